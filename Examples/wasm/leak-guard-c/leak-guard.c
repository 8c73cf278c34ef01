// The leak guard of ../leak-guard, in C: closes the water valve when a leak is found, and keeps it closed until
// leak:cleared is emitted. After a refusal it logs it, and asks again with every event.
#define OPENSTARRY_CBOR
#include "openstarry.h"

static bool closed;
static bool refused;

// Static, because the error message must stay valid until the next call.
static openstarry_area area;

static const openstarry_result *failed(void) {
  return openstarry_fail(area.of.error.message, area.of.error.length);
}

static void complain(const openstarry_area *why) {
  char text[200] = "the valve does not follow: ";
  size_t length = sizeof "the valve does not follow: " - 1;
  for (size_t index = 0; index < why->of.error.length && length < sizeof text; index++) {
    text[length++] = why->of.error.message[index];
  }
  openstarry_log(OPENSTARRY_ALERT, text, length);
}

// Returns false only if the call itself was wrong; a refusal is an answer.
static bool valve(bool open) {
  openstarry_release(&area);
  if (open) {
    openstarry_control(OPENSTARRY_TEXT("valve"), OPENSTARRY_ON, 3600000, &area);
  } else {
    openstarry_control(OPENSTARRY_TEXT("valve"), OPENSTARRY_OFF, 0, &area);
  }
  bool was_refused = refused;
  refused = openstarry_is_refusal(&area);
  if (refused && !was_refused) complain(&area);
  return refused || !area.failed;
}

static bool is_known(void) {
  openstarry_release(&area);
  openstarry_state_get(OPENSTARRY_TEXT("leak"), &area);
  return !area.failed;
}

static const openstarry_result *leak(openstarry_bytes event) {
  // The valve first: storing and logging may fail, and then the water is already off.
  closed = true;
  if (!valve(false)) return failed();
  if (is_known()) return openstarry_ok();
  openstarry_release(&area);
  openstarry_bytes time = openstarry_cbor_get(event, "time");
  openstarry_state_set(OPENSTARRY_TEXT("leak"), time.at, time.length, &area);
  if (area.failed) return failed();
  if (refused) {
    openstarry_log(OPENSTARRY_ALERT, OPENSTARRY_TEXT("water on the floor: the valve is NOT closed"));
  } else {
    openstarry_log(OPENSTARRY_ALERT, OPENSTARRY_TEXT("water on the floor: the valve is closed"));
  }
  openstarry_release(&area);
  openstarry_emit(OPENSTARRY_TEXT("leak:found"), OPENSTARRY_TEXT(""), &area);
  return area.failed ? failed() : openstarry_ok();
}

static const openstarry_result *cleared(void) {
  openstarry_release(&area);
  openstarry_state_remove(OPENSTARRY_TEXT("leak"), &area);
  if (area.failed) return failed();
  closed = false;
  openstarry_log(OPENSTARRY_NOTICE, OPENSTARRY_TEXT("the leak is cleared"));
  return valve(true) ? openstarry_ok() : failed();
}

const openstarry_result *openstarry_handle(char *bytes, size_t length) {
  openstarry_bytes event = {bytes, length};
  openstarry_bytes type = openstarry_cbor_get(event, "type");
  openstarry_bytes payload = openstarry_cbor_get(event, "payload");
  const openstarry_result *result;
  if (openstarry_cbor_is(type, "input:leak") && openstarry_cbor_is_true(openstarry_cbor_get(payload, "active"))) {
    result = leak(event);
  } else if (openstarry_cbor_is(type, "leak:cleared")) {
    result = cleared();
  } else {
    // Any other event renews the desired state: closed during a leak, otherwise open.
    closed = is_known();
    result = valve(!closed) ? openstarry_ok() : failed();
  }
  free(bytes);
  return result;
}

const openstarry_bytes *openstarry_snapshot(void) {
  // {"closed": true} and {"closed": false}.
  static const openstarry_bytes yes = {OPENSTARRY_TEXT("\xA1\x66" "closed" "\xF5")};
  static const openstarry_bytes no = {OPENSTARRY_TEXT("\xA1\x66" "closed" "\xF4")};
  return closed ? &yes : &no;
}
