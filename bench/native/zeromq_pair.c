/// ZeroMQ over ipc: a PAIR socket on each side, ADDRESS is ipc://PATH. Its threads get their process's priority and
/// core, which is what it is fastest with.

#include "pair.h"

#include <sched.h>
#include <stdio.h>
#include <zmq.h>

static void* context;
static void* transport;

static bool
complain(const char* const what)
{
  fprintf(stderr, "zeromq: %s: %s\n", what, zmq_strerror(zmq_errno()));
  return false;
}

static bool
make_socket(void)
{
  context = zmq_ctx_new();
  if (!context) { return complain("context"); }
  if (pair_priority()) {
    zmq_ctx_set(context, ZMQ_THREAD_SCHED_POLICY, SCHED_FIFO);
    zmq_ctx_set(context, ZMQ_THREAD_PRIORITY, pair_priority());
  }
  transport = zmq_socket(context, ZMQ_PAIR);
  return transport ? true : complain("socket");
}

static bool
zeromq_serve(void)
{
  if (!make_socket()) { return false; }
  if (zmq_bind(transport, pair_address())) { return complain(pair_address()); }
  FrameSlot slot = {.status = 0u};
  while (slot.status != PAIR_LAST) {
    if (zmq_recv(transport, &slot, sizeof slot, 0) != (int)sizeof slot) { return complain("receive"); }
    if (zmq_send(transport, &slot, sizeof slot, 0) != (int)sizeof slot) { return complain("send"); }
  }
  zmq_close(transport);
  zmq_ctx_term(context); // waits until the last slot is sent
  return true;
}

static bool
zeromq_open(void)
{
  // Connecting before the other side listens is allowed: ZeroMQ tries again.
  return make_socket() && (zmq_connect(transport, pair_address()) == 0 || complain(pair_address()));
}

static bool
zeromq_exchange(FrameSlot* const slot)
{
  if (zmq_send(transport, slot, sizeof *slot, 0) != (int)sizeof *slot) { return complain("send"); }
  return zmq_recv(transport, slot, sizeof *slot, 0) == (int)sizeof *slot || complain("receive");
}

int
main(const int argc, char** const argv)
{
  static const Pair pair = {zeromq_serve, zeromq_open, zeromq_exchange};
  return pair_run(argc, argv, &pair);
}
