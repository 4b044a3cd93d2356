/// @file syscall_forbidden.h
/// System calls that no Fast plugin may make, from its first constructor on. Some of them are allowed with certain
/// arguments by a rule that comes before. Older calls are those of x86-64 alone.
#ifndef OPENRACING_SYSCALL_FORBIDDEN_H
#define OPENRACING_SYSCALL_FORBIDDEN_H

#include <stdint.h>
#include <sys/syscall.h>

#ifndef SYS_set_mempolicy_home_node
#define SYS_set_mempolicy_home_node 450 ///< Newer than the headers; since Linux 5.1 a call has one number everywhere
#endif
#define SYSCALL_NEWEST 450 ///< The list was read up to here (Linux 6.1)

static const uint32_t syscall_forbidden[] = {
  // The network
  SYS_socket, SYS_socketpair, SYS_connect, SYS_bind, SYS_listen, SYS_accept, SYS_accept4, SYS_sendto, SYS_recvfrom,
  SYS_sendmsg, SYS_recvmsg, SYS_sendmmsg, SYS_recvmmsg, SYS_shutdown, SYS_setsockopt, SYS_getsockopt,
  SYS_getsockname, SYS_getpeername,
  // Processes and threads
  SYS_execve, SYS_execveat, SYS_clone, SYS_clone3, SYS_exit, SYS_exit_group, SYS_setsid, SYS_setpgid, SYS_unshare,
  SYS_setns,
#ifdef __x86_64__
  SYS_fork, SYS_vfork,
#endif
  // Other processes
  SYS_ptrace, SYS_process_vm_readv, SYS_process_vm_writev, SYS_process_madvise, SYS_process_mrelease, SYS_kcmp,
  SYS_kill, SYS_tkill, SYS_tgkill, SYS_rt_sigqueueinfo, SYS_rt_tgsigqueueinfo, SYS_pidfd_open, SYS_pidfd_getfd,
  SYS_pidfd_send_signal,
  // Priorities, limits and timers
  SYS_sched_setscheduler, SYS_sched_setparam, SYS_sched_setattr, SYS_sched_setaffinity, SYS_setpriority,
  SYS_ioprio_set, SYS_setrlimit, SYS_prlimit64, SYS_timer_create, SYS_timer_settime, SYS_timer_delete, SYS_setitimer,
#ifdef __x86_64__
  SYS_alarm,
#endif
  // What this process is
  SYS_prctl, SYS_seccomp, SYS_personality, SYS_setuid, SYS_setgid, SYS_setreuid, SYS_setregid, SYS_setresuid,
  SYS_setresgid, SYS_setfsuid, SYS_setfsgid, SYS_setgroups, SYS_capset, SYS_landlock_create_ruleset,
  SYS_landlock_add_rule, SYS_landlock_restrict_self,
#ifdef __x86_64__
  SYS_modify_ldt, SYS_iopl, SYS_ioperm,
#endif
  // Files that are written, made or moved
  SYS_openat, SYS_openat2, SYS_truncate, SYS_ftruncate, SYS_fallocate, SYS_renameat, SYS_renameat2, SYS_linkat,
  SYS_symlinkat, SYS_unlinkat, SYS_mkdirat, SYS_mknodat, SYS_fchmod, SYS_fchmodat, SYS_fchown, SYS_fchownat,
  SYS_utimensat, SYS_setxattr, SYS_lsetxattr, SYS_fsetxattr, SYS_removexattr, SYS_lremovexattr, SYS_fremovexattr,
  SYS_fcntl, SYS_sendfile, SYS_splice, SYS_tee, SYS_vmsplice, SYS_copy_file_range, SYS_ioctl, SYS_chroot, SYS_pivot_root,
  SYS_open_by_handle_at, SYS_name_to_handle_at,
#ifdef __x86_64__
  SYS_open, SYS_creat, SYS_rename, SYS_link, SYS_symlink, SYS_unlink, SYS_rmdir, SYS_mkdir, SYS_mknod, SYS_chmod,
  SYS_chown, SYS_lchown, SYS_utime, SYS_utimes, SYS_futimesat,
#endif
  // Memory that others share, or that is hidden
  SYS_mmap, SYS_memfd_create, SYS_memfd_secret, SYS_userfaultfd, SYS_shmget, SYS_shmat, SYS_shmctl, SYS_shmdt, SYS_msgget,
  SYS_msgsnd, SYS_msgrcv, SYS_msgctl, SYS_semget, SYS_semop, SYS_semtimedop, SYS_semctl, SYS_mq_open, SYS_mq_unlink,
  SYS_mq_timedsend, SYS_mq_timedreceive, SYS_mq_notify, SYS_mq_getsetattr, SYS_migrate_pages, SYS_move_pages,
  SYS_mbind, SYS_set_mempolicy, SYS_set_mempolicy_home_node, SYS_pkey_mprotect,
  // The kernel's other doors
  SYS_io_uring_setup, SYS_io_uring_enter, SYS_io_uring_register, SYS_io_setup, SYS_io_submit, SYS_io_destroy,
  SYS_io_getevents, SYS_io_pgetevents, SYS_io_cancel, SYS_bpf, SYS_perf_event_open, SYS_keyctl, SYS_add_key,
  SYS_request_key, SYS_inotify_init1, SYS_inotify_add_watch, SYS_fanotify_init, SYS_fanotify_mark,
#ifdef __x86_64__
  SYS_inotify_init,
#endif
  // The machine
  SYS_mount, SYS_umount2, SYS_mount_setattr, SYS_move_mount, SYS_open_tree, SYS_fsopen, SYS_fsconfig, SYS_fsmount,
  SYS_fspick, SYS_swapon, SYS_swapoff, SYS_reboot, SYS_kexec_load, SYS_kexec_file_load, SYS_init_module,
  SYS_finit_module, SYS_delete_module, SYS_settimeofday, SYS_clock_settime, SYS_clock_adjtime, SYS_adjtimex,
  SYS_sethostname, SYS_setdomainname, SYS_acct, SYS_quotactl, SYS_quotactl_fd, SYS_syslog, SYS_lookup_dcookie,
  SYS_vhangup,
};

#endif
