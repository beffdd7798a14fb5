/* Giving up privileges: see sandbox.h.  Called once by each process, before it reads anything that
 * it must not trust. */
#include "base/sandbox.h"

#include <errno.h>
#include <grp.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pwd.h>
#include <signal.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

int sandbox_drop(const char *user, struct err *e)
{
	const struct passwd *pw;

	if (user == NULL || geteuid() != 0)
		return OK;
	pw = getpwnam(user);
	if (pw == NULL)
		return err_set(e, ERR_MISSING,
		    "there is no user %s on this system; create it, or change \"user\" in the "
		    "configuration",
		    user);
	if (initgroups(user, pw->pw_gid) != 0 ||
	    setresgid(pw->pw_gid, pw->pw_gid, pw->pw_gid) != 0 ||
	    setresuid(pw->pw_uid, pw->pw_uid, pw->pw_uid) != 0)
		return err_sys(e, "becoming user %s", user);
	return OK;
}

#if defined(__x86_64__)
#define SANDBOX_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define SANDBOX_ARCH AUDIT_ARCH_AARCH64
#endif

#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define SKIP_UNLESS(value, n) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, n)
#define SKIP_IF(value, n) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, n, 0)
#define RETURN(what) BPF_STMT(BPF_RET | BPF_K, what)
#define REFUSE RETURN(SECCOMP_RET_ERRNO | EACCES)

static int filter_add(struct sock_filter *code, size_t count)
{
	struct sock_fprog program = {(unsigned short)count, code};

	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

static int filter_enter(unsigned limits)
{
#ifdef SANDBOX_ARCH
	/* A call of a foreign architecture has other numbers: both filters refuse it whole. */
	struct sock_filter no_internet[] = {
	    LOAD(arch),
	    SKIP_UNLESS(SANDBOX_ARCH, 5),
	    LOAD(nr),
	    SKIP_UNLESS(SYS_socket, 2),
	    LOAD(args[0]),
	    SKIP_UNLESS(AF_UNIX, 1),
	    RETURN(SECCOMP_RET_ALLOW),
	    REFUSE,
	};
	struct sock_filter no_exec[] = {
	    LOAD(arch),
	    SKIP_UNLESS(SANDBOX_ARCH, 4),
	    LOAD(nr),
	    SKIP_IF(SYS_execve, 2),
	    SKIP_IF(SYS_execveat, 1),
	    RETURN(SECCOMP_RET_ALLOW),
	    REFUSE,
	};

	if ((limits & SANDBOX_NO_INTERNET) != 0 && filter_add(no_internet, 8) != 0)
		return -1;
	if ((limits & SANDBOX_NO_EXEC) != 0 && filter_add(no_exec, 7) != 0)
		return -1;
#else
	(void)limits;
#endif
	return 0;
}

static int die_with_parent(struct err *e)
{
	pid_t parent = getppid();

	if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0)
		return err_sys(e, "asking to end with the parent");
	if (getppid() != parent) /* it went before we asked */
		return err_set(e, ERR_CLOSED, "the master is gone");
	return OK;
}

int sandbox_enter(unsigned limits, struct err *e)
{
	struct rlimit none = {0, 0};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || setrlimit(RLIMIT_CORE, &none) != 0)
		return err_sys(e, "giving up privileges");
	if ((limits & SANDBOX_DIE_WITH_PARENT) != 0 && die_with_parent(e) != OK)
		return ERR_CLOSED;
	if (filter_enter(limits) != 0)
		return err_sys(e, "installing the system call filter");
	return OK;
}
