# CMake toolchain: builds for another kind of machine (TOEHOLD_MACHINE, as `uname -m` calls it) with
# Debian's cross compiler and with that machine's own packages, unpacked in TOEHOLD_SYSROOT. Given
# by packaging/static-agent.sh, which makes that folder.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR ${TOEHOLD_MACHINE})
set(CMAKE_TRY_COMPILE_PLATFORM_VARIABLES TOEHOLD_MACHINE TOEHOLD_SYSROOT)

set(triplet ${TOEHOLD_MACHINE}-linux-gnu)
set(CMAKE_C_COMPILER ${triplet}-gcc)
set(CMAKE_CXX_COMPILER ${triplet}-g++)
set(CMAKE_LIBRARY_ARCHITECTURE ${triplet})
set(CMAKE_SYSROOT ${TOEHOLD_SYSROOT})

# The cross compiler's own libc and libstdc++ come from packages that get no security updates; -B
# puts those of the sysroot first.
execute_process(COMMAND ${CMAKE_CXX_COMPILER} -dumpversion OUTPUT_VARIABLE gcc OUTPUT_STRIP_TRAILING_WHITESPACE)
string(REPLACE "." ";" gcc "${gcc}")
list(GET gcc 0 gcc)
add_link_options(-B${TOEHOLD_SYSROOT}/usr/lib/${triplet} -B${TOEHOLD_SYSROOT}/usr/lib/gcc/${triplet}/${gcc})

set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
set(ENV{PKG_CONFIG_SYSROOT_DIR} ${TOEHOLD_SYSROOT})
set(ENV{PKG_CONFIG_LIBDIR} ${TOEHOLD_SYSROOT}/usr/local/lib/pkgconfig:${TOEHOLD_SYSROOT}/usr/lib/${triplet}/pkgconfig:${TOEHOLD_SYSROOT}/usr/share/pkgconfig)
