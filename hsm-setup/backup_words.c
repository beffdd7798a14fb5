/* What back-up and restore say to an operator.  Runs in intaglio-hsm. */
#include "hsm-setup/backup.h"

#include <string.h>
#include <unistd.h>
#include "base/mem.h"
#include "pkcs11/labels.h"
#include "pkcs11/trial.h"

void backup_id_text(const uint8_t id[TOKEN_ID_LEN], char out[2 * TOKEN_ID_LEN + 1])
{
	for (unsigned i = 0; i < TOKEN_ID_LEN; i++)
		snprintf(out + 2 * i, 3, "%02x", id[i]);
}

const char *backup_algorithm_name(uint8_t algorithm)
{
	uint8_t number;
	bool is_rsa;
	const char *name;

	for (unsigned i = 0; (name = token_algorithm_name(i, &number, &is_rsa)) != NULL; i++)
		if (number == algorithm)
			return name;
	return "of an unknown algorithm";
}

void backup_key_text(const char *label, const uint8_t id[TOKEN_ID_LEN], char out[100])
{
	char text[2 * TOKEN_ID_LEN + 1];
	struct birth_label birth = {0};

	labels_parse_key(label, &birth);
	backup_id_text(id, text);
	snprintf(out, 100, "%s %s %s",
	    birth.role == 'k'	? "KSK"
	    : birth.role == 'z' ? "ZSK"
				: "CSK",
	    backup_algorithm_name(birth.algorithm), text);
}

const char *backup_advice(const char *manufacturer)
{
	static const struct {
		const char *part, *advice;
	} known[] = {
	    {"SoftHSM", "stop all programs that use the token and copy its folder below "
			"directories.tokendir"},
	    {"SafeNet", "clone the partition to a Backup HSM (lunacm: partition archive backup)"},
	    {"Thales", "clone the partition to a Backup HSM (lunacm: partition archive backup)"},
	    {"nCipher", "keep a copy of the folder kmdata/local, and of the security world's "
			"cards"},
	    {"Entrust", "keep a copy of the folder kmdata/local, and of the security world's "
			"cards"},
	    {"Yubico", "export the objects under a wrap key (yubihsm-setup dump)"},
	    {"Nitrokey", "make a back-up of the NetHSM (nitropy nethsm backup)"},
	};

	for (unsigned i = 0; i < MEM_COUNT(known); i++)
		if (strstr(manufacturer, known[i].part) != NULL)
			return known[i].advice;
	return "clone or back up the whole partition with the vendor's own tool";
}

void backup_progress(const char *what, size_t done, size_t all)
{
	if (isatty(STDERR_FILENO) && (done % 16 == 0 || done == all))
		fprintf(stderr, "\r\033[K%s %zu of %zu", what, done, all);
}

void backup_progress_end(void)
{
	if (isatty(STDERR_FILENO))
		fprintf(stderr, "\r\033[K");
}
