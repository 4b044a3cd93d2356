/// @file beneath.h
/// Files beneath a directory, and nothing else. Whatever a path says, and whoever moves what while it is resolved, nothing
/// outside the directory is opened, made, moved or removed: the kernel resolves each path with openat2(), which lets no
/// `..`, no absolute path and no symbolic link lead out, follows no magic link of /proc, and enters no other mount.
///
/// Each function returns 0, an errno, or BENEATH_OUTSIDE, and has done nothing then. None of them waits for a FIFO or a
/// lease. Slow file systems are slow.
#ifndef OPENRACING_BENEATH_H
#define OPENRACING_BENEATH_H

#include <stdbool.h>

/// The path leads out of the directory, or into another mount. No errno of Linux is as large (they end below 4096).
#define BENEATH_OUTSIDE 4096

/// Opens the directory that `path` names, as the system resolves it. ENOSYS where the kernel has no openat2() (before 5.6),
/// EPERM for a directory of /proc: files there are the process's own memory and secrets.
int beneath_root(const char* path, int* opened);

/// Opens a regular file or a directory. `flags`: those of open() that choose access, creation, truncation, O_APPEND,
/// O_DIRECTORY and O_NOFOLLOW; others are EINVAL. Anything but a file or a directory is ENOTSUP.
int beneath_open(int directory, const char* path, int flags, int* opened);

/// A descriptor that stands for what `path` names, whatever it is, and reads nothing (O_PATH). `follow`: of a symbolic
/// link, what it leads to.
int beneath_look(int directory, const char* path, bool follow, int* opened);

// All others act on the name itself and follow no symbolic link that it is.

int beneath_make_directory(int directory, const char* path);

int beneath_remove_directory(int directory, const char* path);

/// EISDIR for a directory.
int beneath_unlink(int directory, const char* path);

int beneath_rename(int from_directory, const char* from, int to_directory, const char* to);

/// A second name for a file.
int beneath_link(int from_directory, const char* from, int to_directory, const char* to);

/// A symbolic link. BENEATH_OUTSIDE for a `target` that is absolute or has `..` in it: wherever such a link is moved to, it
/// cannot lead other programs out of the directory.
int beneath_symlink(const char* target, int directory, const char* path);

#endif
