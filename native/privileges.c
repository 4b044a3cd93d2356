#include "privileges.h"

#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

void
privileges_drop(const uint32_t kept)
{
  for (int capability = 0; prctl(PR_CAPBSET_READ, capability, 0, 0, 0) >= 0; ++capability) {
    if (capability < 32 && (kept >> capability & 1u)) { continue; }
    (void)prctl(PR_CAPBSET_DROP, capability, 0, 0, 0); // refused to who has no privileges anyway
  }
  (void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  struct __user_cap_header_struct header  = {.version = _LINUX_CAPABILITY_VERSION_3};
  struct __user_cap_data_struct   held[2] = {{0}};
  if (syscall(SYS_capget, &header, held)) { held[0].permitted = 0u; }
  const uint32_t                      left    = held[0].permitted & kept;
  const struct __user_cap_data_struct less[2] = {{.effective = left, .permitted = left}, {0}};
  (void)syscall(SYS_capset, &header, less);
}
