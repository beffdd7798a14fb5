/* driver: runs a fuzz target without a fuzzing engine.  Arguments are input files and folders of
 * them; without any, the seeds of the target: tests/fuzz/query for fuzz_query.  Each seed is also
 * run broken in ITG_FUZZ_MUTANTS ways (default 500), drawn from ITG_FUZZ_SEED (default 1, printed).
 * With clang, -fsanitize=fuzzer instead of this file makes a libFuzzer program of the same target.
 */
#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define INPUT_MAX (1024 * 1024)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint64_t random_state;
static unsigned mutants = 500;
static unsigned long inputs;

static uint32_t draw(uint32_t below)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return below == 0 ? 0 : (uint32_t)(random_state >> 32) % below;
}

/* A copy of its exact size, so that a sanitizer sees the first octet read behind it. */
static void run(const uint8_t *data, size_t size)
{
	uint8_t *copy = malloc(size > 0 ? size : 1);

	if (copy == NULL)
		abort();
	memcpy(copy, data, size);
	LLVMFuzzerTestOneInput(copy, size);
	free(copy);
	inputs++;
}

static size_t mutate(uint8_t *data, size_t size)
{
	static const uint8_t interesting[] = {0, 1, 0x3f, 0x40, 0x7f, 0x80, 0xc0, 0xff};

	for (unsigned n = 1 + draw(4); n > 0 && size > 0; n--) {
		uint32_t at = draw((uint32_t)size);

		switch (draw(4)) {
		case 0:
			data[at] ^= (uint8_t)(1 << draw(8));
			break;
		case 1:
			data[at] = interesting[draw(sizeof(interesting))];
			break;
		case 2:
			data[at] = (uint8_t)draw(256);
			break;
		default:
			size = draw(4) == 0 ? at : size;
		}
	}
	return size;
}

static int run_file(const char *path)
{
	static uint8_t data[INPUT_MAX], mutant[INPUT_MAX];
	FILE *f = fopen(path, "rb");
	size_t size;

	if (f == NULL) {
		fprintf(stderr, "# cannot read %s: %s\n", path, strerror(errno));
		return -1;
	}
	size = fread(data, 1, sizeof(data), f);
	fclose(f);
	run(data, size);
	for (unsigned i = 0; i < mutants; i++) {
		memcpy(mutant, data, size);
		run(mutant, mutate(mutant, size));
	}
	return 0;
}

static int run_path(const char *path)
{
	char file[4096];
	struct stat st;
	struct dirent *entry;
	DIR *dir;
	int rc = 0;

	if (stat(path, &st) == 0 && !S_ISDIR(st.st_mode))
		return run_file(path);
	dir = opendir(path);
	if (dir == NULL) {
		fprintf(stderr, "# cannot read %s: %s\n", path, strerror(errno));
		return -1;
	}
	while (rc == 0 && (entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(file, sizeof(file), "%s/%s", path, entry->d_name);
		rc = run_file(file);
	}
	closedir(dir);
	return rc;
}

static int run_seeds(const char *program)
{
	const char *base = strrchr(program, '/'), *source = getenv("ITG_SOURCE");
	char path[4096];

	base = base != NULL ? base + 1 : program;
	base += strncmp(base, "fuzz_", 5) == 0 ? 5 : 0;
	snprintf(path, sizeof(path), "%s/tests/fuzz/%s", source != NULL ? source : ".", base);
	return run_path(path);
}

int main(int argc, char **argv)
{
	const char *seed = getenv("ITG_FUZZ_SEED"), *count = getenv("ITG_FUZZ_MUTANTS");
	int rc = 0;

	random_state = seed != NULL ? strtoull(seed, NULL, 10) : 1;
	random_state = random_state != 0 ? random_state : 1;
	mutants = count != NULL ? (unsigned)strtoul(count, NULL, 10) : mutants;
	printf("# ITG_FUZZ_SEED=%llu\n1..1\n", (unsigned long long)random_state);
	fflush(stdout);
	if (argc < 2)
		rc = run_seeds(argv[0]);
	for (int i = 1; i < argc && rc == 0; i++)
		rc = run_path(argv[i]);
	printf("%sok 1 - %lu inputs survived\n", rc == 0 && inputs > 0 ? "" : "not ", inputs);
	return rc == 0 && inputs > 0 ? 0 : 1;
}
