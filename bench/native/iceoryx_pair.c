/// iceoryx: a publisher and a subscriber on each side, each side asleep in a WaitSet. iox-roudi must run; ADDRESS sets
/// this pair's names apart from others'.

#include "../../native/clock.h"
#include "pair.h"

#include <iceoryx_binding_c/log.h>
#include <iceoryx_binding_c/publisher.h>
#include <iceoryx_binding_c/runtime.h>
#include <iceoryx_binding_c/subscriber.h>
#include <iceoryx_binding_c/types.h>
#include <iceoryx_binding_c/wait_set.h>

#include <stdio.h>
#include <string.h>

static iox_pub_storage_t publisher_memory;
static iox_sub_storage_t subscriber_memory;
static iox_ws_storage_t  waiting_memory;
static iox_pub_t         publisher;
static iox_sub_t         subscriber;
static iox_ws_t          waiting;

static bool
complain(const char* const what)
{
  fprintf(stderr, "iceoryx: %s\n", what);
  return false;
}

static bool
join(const char* const side, const char* const out, const char* const in)
{
  char name[100];
  snprintf(name, sizeof name, "%s-%s", pair_address(), side);
  iox_set_loglevel(Iceoryx_LogLevel_Error); // it logs to stdout, which is for what was measured
  iox_runtime_init(name);

  iox_pub_options_t sending;
  iox_pub_options_init(&sending);
  publisher = iox_pub_init(&publisher_memory, "openracing", pair_address(), out, &sending);
  iox_sub_options_t receiving;
  iox_sub_options_init(&receiving);
  subscriber = iox_sub_init(&subscriber_memory, "openracing", pair_address(), in, &receiving);
  waiting    = iox_ws_init(&waiting_memory);
  if (iox_ws_attach_subscriber_state(waiting, subscriber, SubscriberState_HAS_DATA, 0u, NULL) != WaitSetResult_SUCCESS) {
    return complain("the subscriber cannot be waited for");
  }
  const struct timespec moment = clock_timespec(CLOCK_NS_PER_MS);
  while (!iox_pub_has_subscribers(publisher) ||
         iox_sub_get_subscription_state(subscriber) != SubscribeState_SUBSCRIBED) {
    clock_nanosleep(CLOCK_MONOTONIC, 0, &moment, NULL);
  }
  return true;
}

static void
leave(void)
{
  iox_ws_deinit(waiting);
  iox_sub_deinit(subscriber);
  iox_pub_deinit(publisher);
  iox_runtime_shutdown();
}

static bool
send(const FrameSlot* const slot)
{
  void* chunk = NULL;
  if (iox_pub_loan_chunk(publisher, &chunk, sizeof *slot) != AllocationResult_SUCCESS) { return complain("no chunk"); }
  memcpy(chunk, slot, sizeof *slot);
  iox_pub_publish_chunk(publisher, chunk);
  return true;
}

static void
receive(FrameSlot* const slot)
{
  const void* chunk = NULL;
  while (iox_sub_take_chunk(subscriber, &chunk) != ChunkReceiveResult_SUCCESS) {
    iox_notification_info_t information;
    uint64_t                missed = 0u;
    (void)iox_ws_wait(waiting, &information, 1u, &missed);
  }
  memcpy(slot, chunk, sizeof *slot);
  iox_sub_release_chunk(subscriber, chunk);
}

static bool
iceoryx_serve(void)
{
  if (!join("answers", "back", "there")) { return false; }
  FrameSlot slot = {.status = 0u};
  while (slot.status != PAIR_LAST) {
    receive(&slot);
    if (!send(&slot)) { return false; }
  }
  leave();
  return true;
}

static bool
iceoryx_open(void)
{
  return join("asks", "there", "back");
}

static bool
iceoryx_exchange(FrameSlot* const slot)
{
  const bool last = slot->status == PAIR_LAST;
  if (!send(slot)) { return false; }
  receive(slot);
  if (last) { leave(); }
  return true;
}

int
main(const int argc, char** const argv)
{
  static const Pair pair = {iceoryx_serve, iceoryx_open, iceoryx_exchange};
  return pair_run(argc, argv, &pair);
}
