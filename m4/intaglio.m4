# INTAGLIO_ADD_CFLAG(FLAG, VARIABLE): append FLAG to VARIABLE if the compiler takes it.
AC_DEFUN([INTAGLIO_ADD_CFLAG], [
	AC_MSG_CHECKING([whether $CC takes $1])
	intaglio_saved_cflags="$CFLAGS"
	CFLAGS="$CFLAGS -Werror $1"
	AC_COMPILE_IFELSE([AC_LANG_PROGRAM()],
		[AC_MSG_RESULT([yes]); $2="$$2 $1"], [AC_MSG_RESULT([no])])
	CFLAGS="$intaglio_saved_cflags"
])
