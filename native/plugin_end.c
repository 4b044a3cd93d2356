#include "plugin_end.h"

#include "clock.h"
#include "plugin_memory.h"
#include "syscall_filter.h"

#include <link.h>
#include <signal.h>
#include <stdalign.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

/// What the loader calls the library.
#define LIBRARY_NAME "/proc/self/fd/"
/// A frame of a signal with every register of today's CPUs has 11 KiB (AMX); only what is used is touched.
#define STACK_BYTES (64u * 1024u)
/// How far up the stack a call out of the plugin is looked for.
#define CALLERS_BYTES_MAX 16384u
/// The kernel counts the CPU time of a thread in its ticks, 1 to 10 ms long: a call that began less than this before is
/// not the one that used it up.
#define OVERDUE_NS (5u * CLOCK_NS_PER_MS)
/// What such a call has to use from one look to the next. A virtual machine whose core was taken away counts that time for
/// who had the core, once: the call then returns before it is looked at again.
#define OVERDUE_STILL_NS (2u * CLOCK_NS_PER_MS)

static const int signals[] = {SIGSYS, SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGXCPU};

typedef struct {
  PluginReport*   report;
  const Symbols*  library;
  PluginVTable    plugin;
  uintptr_t       stack_top;
  uint64_t        call_cpu_ns;
  uint64_t        suspect_cpu_ns; ///< The call that was overdue at the look before
  uint64_t        suspect_used_ns;
  volatile sig_atomic_t phase; ///< PluginPhase. The report's is easier for the plugin to find
  EndKind         kind; ///< Of the first
  volatile sig_atomic_t depth; ///< Handlers under way: reading a broken stack may raise another signal
} Watch;

static Watch watch;
alignas(16) static uint8_t signal_stack[STACK_BYTES];

typedef struct {
  uintptr_t instruction;
  uintptr_t stack;
  uintptr_t link; ///< Where a function returns to that has called none; 0 where that is on the stack
  uint64_t  argument;
} Registers;

static Registers
registers_of(const ucontext_t* const context)
{
#if defined(__x86_64__)
  const greg_t* const all = context->uc_mcontext.gregs;
  return (Registers){.instruction = (uintptr_t)all[REG_RIP], .stack = (uintptr_t)all[REG_RSP], .argument = (uint64_t)all[REG_RDI]};
#elif defined(__aarch64__)
  const mcontext_t* const all = &context->uc_mcontext;
  return (Registers){.instruction = all->pc, .stack = all->sp, .link = all->regs[30], .argument = all->regs[0]};
#else
#error "which registers?"
#endif
}

/// Where the loader put the library. Its list is read without its lock, which may be held where the signal came.
static bool
library_base(uintptr_t* const base)
{
  const ElfW(Dyn)* entry = _DYNAMIC;
  while (entry->d_tag != DT_DEBUG && entry->d_tag != DT_NULL) { ++entry; }
  const struct r_debug* const loaded = entry->d_tag == DT_DEBUG ? (const struct r_debug*)entry->d_un.d_ptr : NULL;
  for (const struct link_map* map = loaded ? loaded->r_map : NULL; map; map = map->l_next) {
    if (strncmp(map->l_name, LIBRARY_NAME, strlen(LIBRARY_NAME))) { continue; }
    *base = map->l_addr;
    return true;
  }
  return false;
}

static bool
is_code(const uintptr_t base, const uintptr_t address)
{
  return address >= base && symbols_is_code(watch.library, address - base);
}

/// Whether a call ends here, so that this is where it returns to: a stack also holds pointers and what is long over.
static bool
follows_call(const uintptr_t base, const uintptr_t address)
{
  if (!is_code(base, address - 8u)) { return false; }
#if defined(__x86_64__)
  const uint8_t* const code = (const uint8_t*)address; // call: E8 and a distance, or FF with a 2 in the next byte's middle
  return code[-5] == 0xe8u || (code[-6] == 0xffu && code[-5] == 0x15u) || (code[-2] == 0xffu && (code[-1] & 0x38u) == 0x10u) ||
         (code[-3] == 0xffu && (code[-2] & 0x38u) == 0x10u);
#else
  const uint32_t code = ((const uint32_t*)address)[-1]; // bl, blr
  return address % 4u == 0u && ((code & 0xfc000000u) == 0x94000000u || (code & 0xfffffc1fu) == 0xd63f0000u);
#endif
}

/// The instruction, where it is the plugin's; else the innermost call out of the plugin. 0: neither is to be found.
static uintptr_t
place_in_plugin(const uintptr_t base, const Registers* const registers)
{
  if (is_code(base, registers->instruction)) { return registers->instruction; }
  // One less than where it returns to: what never returns may be the last of its function.
  if (is_code(base, registers->link)) { return registers->link - 1u; }
  const uintptr_t first = (registers->stack + sizeof first - 1u) & ~(sizeof first - 1u);
  if (first >= watch.stack_top) { return 0u; }
  const uintptr_t far = watch.stack_top - first < CALLERS_BYTES_MAX ? watch.stack_top : first + CALLERS_BYTES_MAX;
  for (uintptr_t word = first; word + sizeof word <= far; word += sizeof word) {
    const uintptr_t value = *(const volatile uintptr_t*)word;
    if (is_code(base, value) && follows_call(base, value)) { return value - 1u; }
  }
  return 0u;
}

/// The nearest function below that the plugin gave us.
static void
name_by_table(const uintptr_t place, char* const text, const size_t room)
{
  const struct {
    const char* name;
    uintptr_t   start;
  } functions[] = {
    {"create", (uintptr_t)watch.plugin.create},
    {"process", (uintptr_t)watch.plugin.process},
    {"destroy", (uintptr_t)watch.plugin.destroy},
    {"get_info", (uintptr_t)watch.plugin.get_info},
  };
  size_t best = 0u;
  for (size_t i = 1u; i < sizeof functions / sizeof *functions; ++i) {
    const bool below = functions[i].start <= place;
    if (below && (functions[best].start > place || functions[i].start > functions[best].start)) { best = i; }
  }
  if (!functions[best].start || functions[best].start > place) { return; }
  symbols_write(text, room, functions[best].name, strlen(functions[best].name), place - functions[best].start);
}

static void
name_place(const Registers* const registers, char* const text, const size_t room)
{
  uintptr_t base = 0u;
  text[0]        = '\0';
  if (!library_base(&base)) { return; }
  const uintptr_t place = place_in_plugin(base, registers);
  if (!place) { return; }
  if (symbols_has_all(watch.library)) {
    symbols_name(watch.library, place - base, text, room);
    return;
  }
  name_by_table(place, text, room);
  if (!text[0]) { symbols_name(watch.library, place - base, text, room); }
}

/// Ends this process with the signal, so that who waits for it sees the same.
static _Noreturn void
die(const int number)
{
  filter_default_signal(number);
  filter_call(SYS_tgkill, getpid(), syscall(SYS_gettid), number, 0L);
  for (;;) { filter_call(SYS_exit_group, 128 + number, 0L, 0L, 0L); } // not reached; the compiler cannot know
}

static void
tell(const EndKind kind, const int number, const uint64_t value, const Registers* const registers)
{
  PluginEnd* const end = &watch.report->end;
  // A signal while the first one is told: what is known so far is what there is.
  if (watch.depth == 1) {
    watch.kind    = kind;
    end->number   = number;
    end->address  = registers->instruction;
    end->value    = value;
    end->phase    = atomic_load(&watch.report->phase);
    end->sequence = atomic_load(&watch.report->sequence);
    name_place(registers, end->symbol, sizeof end->symbol);
  }
  atomic_store(&end->kind, watch.kind);
}

/// Whether the call does not return. Of process() it is known at the second look: nobody else's time is taken for it.
static bool
is_endless(const uint64_t used_ns)
{
  if (watch.phase == PHASE_IDLE || used_ns < OVERDUE_NS) { return false; }
  if (watch.phase != PHASE_PROCESSING) { return true; }
  if (watch.suspect_cpu_ns == watch.call_cpu_ns) { return used_ns - watch.suspect_used_ns >= OVERDUE_STILL_NS; }
  watch.suspect_cpu_ns  = watch.call_cpu_ns;
  watch.suspect_used_ns = used_ns;
  return false;
}

static void
on_signal(const int number, siginfo_t* const info, void* const context)
{
  const int       depth     = ++watch.depth;
  const Registers registers = registers_of(context);
  const bool      sent      = info->si_code == SI_USER || info->si_code == SI_TKILL || info->si_code == SI_QUEUE;
  // From another process: it ends us, and is nothing that the plugin did.
  if (depth > 2 || (sent && info->si_pid != getpid())) { die(number); }

  if (number == SIGXCPU) {
    const uint64_t used_ns = clock_read_ns(CLOCK_THREAD_CPUTIME_ID) - watch.call_cpu_ns;
    if (!is_endless(used_ns)) {
      --watch.depth;
      return;
    }
    tell(END_TIMEOUT, 0, used_ns, &registers);
  } else if (number == SIGSYS) {
    tell(END_SYSCALL, filter_is_native(info->si_arch) ? info->si_syscall : -1, registers.argument, &registers);
  } else {
    tell(END_SIGNAL, number, number == SIGABRT ? 0u : (uint64_t)(uintptr_t)info->si_addr, &registers);
  }
  die(number);
}

bool
plugin_end_watch(PluginReport* const report, const Symbols* const library)
{
  watch.report    = report;
  watch.library   = library;
  watch.stack_top = (uintptr_t)getauxval(AT_RANDOM); // the kernel put it above every frame

  const stack_t stack = {.ss_sp = signal_stack, .ss_size = sizeof signal_stack};
  bool          ours  = sigaltstack(&stack, NULL) == 0;
  // NODEFER: a signal while one is told is told as far as it is known, not left to the kernel.
  struct sigaction action = {.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};
  action.sa_sigaction     = on_signal;
  for (size_t i = 0u; i < sizeof signals / sizeof *signals; ++i) { ours = ours && sigaction(signals[i], &action, NULL) == 0; }
  sigset_t none;
  sigemptyset(&none);
  return ours && sigprocmask(SIG_SETMASK, &none, NULL) == 0;
}

void
plugin_end_know(const PluginVTable* const plugin)
{
  watch.plugin = *plugin;
}

void
plugin_end_enter(const PluginPhase phase)
{
  watch.phase = (sig_atomic_t)phase;
  atomic_store_explicit(&watch.report->phase, phase, memory_order_relaxed);
}

void
plugin_end_call(const uint64_t cpu_ns)
{
  watch.call_cpu_ns = cpu_ns;
}

void
plugin_end_ring(const int ring, const uint64_t count, const PluginPhase phase, const uint32_t sequence)
{
  PluginReport* const report = watch.report;
  report->end                = (PluginEnd){.number = ring, .value = count, .phase = phase, .sequence = sequence};
  atomic_store(&report->phase, phase);
  atomic_store(&report->sequence, sequence);
  plugin_memory_tell();
  report->version = RIG_VERSION;
  report->magic   = PLUGIN_SEGMENT_MAGIC;
  atomic_store(&report->end.kind, END_RING);
}
