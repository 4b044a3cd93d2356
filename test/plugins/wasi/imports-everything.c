// Has every function of preview 1 that the C library's header has, so that its import section says how they are called.
#include <wasi/api.h>

#define ALL(X)                                                                                                          \
  X(args_get) X(args_sizes_get) X(environ_get) X(environ_sizes_get) X(clock_res_get) X(clock_time_get) X(fd_advise)     \
  X(fd_allocate) X(fd_close) X(fd_datasync) X(fd_fdstat_get) X(fd_fdstat_set_flags) X(fd_fdstat_set_rights)             \
  X(fd_filestat_get) X(fd_filestat_set_size) X(fd_filestat_set_times) X(fd_pread) X(fd_prestat_get)                     \
  X(fd_prestat_dir_name) X(fd_pwrite) X(fd_read) X(fd_readdir) X(fd_renumber) X(fd_seek) X(fd_sync) X(fd_tell)          \
  X(fd_write) X(path_create_directory) X(path_filestat_get) X(path_filestat_set_times) X(path_link) X(path_open)        \
  X(path_readlink) X(path_remove_directory) X(path_rename) X(path_symlink) X(path_unlink_file) X(poll_oneoff)           \
  X(proc_exit) X(sched_yield) X(random_get) X(sock_accept) X(sock_recv) X(sock_send) X(sock_shutdown)

#define ADDRESS(name) (const void*)__wasi_##name,

// Volatile: an optimiser that knows what is in here leaves out what is not called.
const void* volatile functions[] = {ALL(ADDRESS)};

int
main(const int argc, char* const* const argv)
{
  return functions[argc] == argv;
}
