// The contract between openstarryd and agents that are WebAssembly modules, for C.
//
// docs/wasm-abi.md describes it; Sources/Agents/AgentWASM/wit/openstarry.wit defines it. An agent defines
// `openstarry_handle`, and may define `openstarry_start` and `openstarry_snapshot`:
//
//   #define OPENSTARRY_CBOR
//   #include "openstarry.h"
//
//   const openstarry_result *openstarry_handle(char *event, size_t length) {
//     openstarry_area area;
//     openstarry_control(OPENSTARRY_TEXT("lamp"), OPENSTARRY_ON, 5000, &area);
//     return area.failed ? openstarry_fail(area.of.error.message, area.of.error.length) : openstarry_ok();
//   }
//
// Structured data ("payloads": events, readings, commands, receipts, values of the state, reports) is CBOR (RFC 8949) if
// OPENSTARRY_CBOR is defined, otherwise JSON. Both have the same fields; CBOR needs less code and fewer instructions.
//
// `SDK/build FOLDER` compiles an agent together with runtime.c, which has malloc and free.
#ifndef OPENSTARRY_H
#define OPENSTARRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define OPENSTARRY_IMPORT(module, name) __attribute__((import_module(module), import_name(name)))
#define OPENSTARRY_EXPORT(name) __attribute__((export_name(name)))

/// A literal as two parameters: its address, and its length without the terminating zero.
#define OPENSTARRY_TEXT(literal) (literal), (sizeof(literal) - 1)

/// The kind of a failure.
enum openstarry_code {
  OPENSTARRY_DENIED = 0,       ///< the manifest does not grant it
  OPENSTARRY_NOT_FOUND = 1,    ///< no such device, key or file
  OPENSTARRY_BUSY = 2,         ///< the device has another holder
  OPENSTARRY_LIMITED = 3,      ///< a limit of the device or a budget forbids it
  OPENSTARRY_UNAVAILABLE = 4,  ///< it exists, and has no data at present
  OPENSTARRY_INVALID = 5,      ///< invalid arguments
  OPENSTARRY_FAILED = 6,       ///< the hardware or the system failed
  OPENSTARRY_WAITING = 7,      ///< a person has to approve it first
};

/// The severity of a log line (RFC 5424, 6.2.1).
enum openstarry_level {
  OPENSTARRY_EMERGENCY, OPENSTARRY_ALERT, OPENSTARRY_CRITICAL, OPENSTARRY_ERROR,
  OPENSTARRY_WARNING, OPENSTARRY_NOTICE, OPENSTARRY_INFO, OPENSTARRY_DEBUG,
};

/// A range of memory. If it is a result of a call, the agent owns it: pass `at` to `free` unless `length` is 0.
typedef struct openstarry_bytes {
  char *at;
  size_t length;
} openstarry_bytes;

/// The result of a call that can fail: 16 bytes.
typedef struct openstarry_area {
  uint8_t failed;  ///< 0: `of.value` is set; 1: `of.error` is set
  union {
    openstarry_bytes value;
    struct {
      uint8_t code;   ///< one of `openstarry_code`
      char *message;  ///< a sentence, owned by the agent
      size_t length;
    } error;
  } of;
} openstarry_area;

/// The result of `openstarry_handle` and `openstarry_start`: 12 bytes, valid until the module's next call.
typedef struct openstarry_result {
  uint8_t failed;
  const char *message;  ///< the cause of a failure
  size_t length;
} openstarry_result;

// Calls of the agent. Texts are UTF-8. Every call fills its `area`.

/// Reads a sensor's newest reading, or an input's level: a payload
/// `{"value":21.5,"unit":"°C","time_ns":monotonic clock,"quality":"good"}`.
OPENSTARRY_IMPORT("openstarry:hal/sensors@0.1.0", "read")
void openstarry_read(const char *id, size_t id_length, openstarry_area *area);

/// Commands an actuator. `command` is a payload: `"on"`, `"off"`, a level from 0 to 1, or `{"pulse_ms":500}`.
/// `lease_ms` is how long the actuator may stay away from its safe state; 0 is the board's default.
/// Returns a payload `{"id":ULID,"state":1.0,"previous":0.0,"at_ns":monotonic clock,"confirmed":true}`.
OPENSTARRY_IMPORT("openstarry:hal/actuators@0.1.0", "control")
void openstarry_control(
    const char *id, size_t id_length, const char *command, size_t command_length, uint64_t lease_ms,
    openstarry_area *area);

/// Returns a camera's newest picture as JPEG; `OPENSTARRY_UNAVAILABLE` if none is ready. The event `camera:snapshot`
/// announces one.
OPENSTARRY_IMPORT("openstarry:hal/cameras@0.1.0", "snapshot")
void openstarry_camera_snapshot(const char *id, size_t id_length, openstarry_area *area);

/// Returns a camera's newest picture in grey: exactly `width` times `height` bytes, 0 black to 255 white, row by row;
/// `OPENSTARRY_UNAVAILABLE` if none is ready. The event `camera:frame` announces one.
OPENSTARRY_IMPORT("openstarry:hal/cameras@0.1.0", "frame")
void openstarry_camera_frame(
    const char *id, size_t id_length, uint32_t width, uint32_t height, openstarry_area *area);

/// Asks a model and waits for its answer. `system` is its instruction, or empty; `max_tokens` bounds the answer, 0 is the
/// model's default. Returns the answer's text.
OPENSTARRY_IMPORT("openstarry:agent/model@0.1.0", "complete")
void openstarry_complete(
    const char *prompt, size_t prompt_length, const char *system, size_t system_length, uint32_t max_tokens,
    openstarry_area *area);

/// Asks a model with a conversation, tools or a schema, and waits for its answer. `request` and the answer are payloads with
/// the fields of `docs/process-abi.md`, section 4, `chat`.
OPENSTARRY_IMPORT("openstarry:agent/model@0.1.0", "chat")
void openstarry_chat(const char *request, size_t request_length, openstarry_area *area);

/// Publishes an event; `payload` is a map or empty. Returns the event's id as text.
OPENSTARRY_IMPORT("openstarry:agent/events@0.1.0", "emit")
void openstarry_emit(
    const char *type, size_t type_length, const char *payload, size_t payload_length, openstarry_area *area);

/// Appends to the agent's log.
OPENSTARRY_IMPORT("openstarry:agent/log@0.1.0", "write")
void openstarry_log(uint32_t level, const char *message, size_t length);

/// Returns the durable value under a key, a payload; `OPENSTARRY_NOT_FOUND` if there is none.
OPENSTARRY_IMPORT("openstarry:agent/state@0.1.0", "get")
void openstarry_state_get(const char *key, size_t key_length, openstarry_area *area);

/// Keeps a value, a payload, under a key across restarts. Returns nothing.
OPENSTARRY_IMPORT("openstarry:agent/state@0.1.0", "set")
void openstarry_state_set(
    const char *key, size_t key_length, const char *value, size_t value_length, openstarry_area *area);

/// Removes the value under a key. Returns nothing.
OPENSTARRY_IMPORT("openstarry:agent/state@0.1.0", "remove")
void openstarry_state_remove(const char *key, size_t key_length, openstarry_area *area);

/// Has the event `agent:timer` delivered to the agent after a time, once or (`repeat` 1) again and again; `timer` in its
/// payload is the name. Returns nothing.
OPENSTARRY_IMPORT("openstarry:agent/timers@0.1.0", "set")
void openstarry_timer_set(
    const char *name, size_t name_length, uint64_t after_ms, uint32_t repeat, openstarry_area *area);

/// Cancels a timer; does nothing if there is none.
OPENSTARRY_IMPORT("openstarry:agent/timers@0.1.0", "cancel")
void openstarry_timer_cancel(const char *name, size_t name_length);

/// Returns the milliseconds until the last refused call may succeed; 0 if unknown.
OPENSTARRY_IMPORT("openstarry:agent/refusal@0.1.0", "retry-after")
uint64_t openstarry_retry_after(void);

/// Returns the time of the monotonic clock, in nanoseconds.
OPENSTARRY_IMPORT("openstarry:agent/clock@0.1.0", "monotonic-now")
uint64_t openstarry_now(void);

/// Returns 64 bits from the kernel's generator.
OPENSTARRY_IMPORT("openstarry:agent/random@0.1.0", "get-u64")
uint64_t openstarry_random(void);

// The two functions of WASI preview 1 that return the environment, as NAME=value; 0 if they succeed.
OPENSTARRY_IMPORT("wasi_snapshot_preview1", "environ_sizes_get")
int32_t openstarry_environ_sizes_get(size_t *count, size_t *bytes);
OPENSTARRY_IMPORT("wasi_snapshot_preview1", "environ_get")
int32_t openstarry_environ_get(char **variables, char *bytes);

// runtime.c

/// Returns the agent's id, as in its manifest; length 0 if the host does not provide it. Do not pass it to `free`.
openstarry_bytes openstarry_agent_id(void);

void *malloc(size_t size);
void free(void *memory);
int memcmp(const void *left, const void *right, size_t count);
void *memchr(const void *at, int byte, size_t count);

#ifndef OPENSTARRY_SWIFT

// Functions that the agent defines.

/// Handles one event: a payload `{"id":…,"type":"sensor:temperature",…,"payload":{"value":31.5}}`. The agent owns it: pass
/// it to `free`.
OPENSTARRY_EXPORT("openstarry:agent/handler@0.1.0#handle")
const openstarry_result *openstarry_handle(char *event, size_t length);

/// Optional: runs once, before the first event.
OPENSTARRY_EXPORT("openstarry:agent/handler@0.1.0#start")
const openstarry_result *openstarry_start(void);

/// Optional: the agent's report, a payload with a map of counters, gauges and state.
OPENSTARRY_EXPORT("openstarry:agent/handler@0.1.0#snapshot")
const openstarry_bytes *openstarry_snapshot(void);

#ifdef OPENSTARRY_CBOR
/// Its presence selects CBOR. The host never calls it.
OPENSTARRY_EXPORT("openstarry:agent/encoding@0.1.0#cbor")
__attribute__((weak)) void openstarry_uses_cbor(void) {}

/// The commands `on` and `off`, as two parameters.
#define OPENSTARRY_ON OPENSTARRY_TEXT("\x62on")
#define OPENSTARRY_OFF OPENSTARRY_TEXT("\x63off")
#else
#define OPENSTARRY_ON OPENSTARRY_TEXT("\"on\"")
#define OPENSTARRY_OFF OPENSTARRY_TEXT("\"off\"")
#endif

/// The result of a handler that succeeded.
static inline const openstarry_result *openstarry_ok(void) {
  static const openstarry_result result = {0, 0, 0};
  return &result;
}

/// The result of a handler that failed. `message` must stay valid until the module's next call. If it contains the message of
/// a refused call, the activation counts as refused, not as failed.
static inline const openstarry_result *openstarry_fail(const char *message, size_t length) {
  static openstarry_result result;
  result.failed = 1;
  result.message = message;
  result.length = length;
  return &result;
}

/// Returns whether a call was refused: the device has another holder, a limit or the manifest forbids it, or the sensor or
/// the hardware does not answer. False if it succeeded, and if the call itself is wrong.
static inline bool openstarry_is_refusal(const openstarry_area *area) {
  return area->failed && area->of.error.code != OPENSTARRY_NOT_FOUND && area->of.error.code != OPENSTARRY_INVALID;
}

/// Frees the memory of a result, a value or a message.
static inline void openstarry_release(openstarry_area *area) {
  if (area->failed) {
    if (area->of.error.length) free(area->of.error.message);
  } else if (area->of.value.length) {
    free(area->of.value.at);
  }
  area->failed = 0;
  area->of.value.length = 0;
}

/// Returns whether a text equals `wanted`, which ends with a zero.
static inline bool openstarry_is(openstarry_bytes text, const char *wanted) {
  size_t index = 0;
  for (; index < text.length; index++) {
    if (!wanted[index] || text.at[index] != wanted[index]) return false;
  }
  return !wanted[index];
}

// CBOR (RFC 8949). The host's items have definite lengths and no tags, which these functions rely on.

/// The head of an item: its major type (section 3.1), its argument, and the address after it.
typedef struct openstarry_cbor_head {
  uint8_t type;
  uint64_t argument;
  char *next;
} openstarry_cbor_head;

/// Reads the head of the item at `at`, before `end`.
static inline openstarry_cbor_head openstarry_cbor_read(char *at, char *end) {
  openstarry_cbor_head head = {0, 0, end};
  if (at == end) return head;
  uint8_t first = (uint8_t)*at++;
  size_t width = (first & 31) < 24 ? 0 : (size_t)1 << (first & 3);
  if (width > (size_t)(end - at)) return head;
  head.type = first >> 5;
  head.argument = first & 31;
  if (width) head.argument = 0;
  for (; width; width--) head.argument = head.argument << 8 | (uint8_t)*at++;
  head.next = at;
  return head;
}

/// Returns the end of the item at `at`, before `end`.
static inline char *openstarry_cbor_end(char *at, char *end) {
  for (uint64_t items = 1; items && at < end; items--) {
    openstarry_cbor_head head = openstarry_cbor_read(at, end);
    at = head.next;
    if (head.type == 2 || head.type == 3) {
      if (head.argument > (uint64_t)(end - at)) return end;
      at += head.argument;
    } else if (head.type == 4) {
      items += head.argument;
    } else if (head.type == 5) {
      items += 2 * head.argument;
    }
  }
  return at;
}

/// Returns the content of a text or a byte string; length 0 for other items. It points into `item`.
static inline openstarry_bytes openstarry_cbor_text(openstarry_bytes item) {
  openstarry_cbor_head head = openstarry_cbor_read(item.at, item.at + item.length);
  openstarry_bytes text = {head.next, (size_t)head.argument};
  if (head.type != 2 && head.type != 3) text.length = 0;
  return text;
}

/// Returns the item of the key `key` in a map; length 0 if there is none. It points into `map`.
static inline openstarry_bytes openstarry_cbor_get(openstarry_bytes map, const char *key) {
  openstarry_bytes none = {0, 0};
  char *end = map.at + map.length;
  openstarry_cbor_head head = openstarry_cbor_read(map.at, end);
  if (head.type != 5) return none;
  char *at = head.next;
  for (uint64_t left = head.argument; left && at < end; left--) {
    char *name_end = openstarry_cbor_end(at, end), *value_end = openstarry_cbor_end(name_end, end);
    openstarry_bytes name = {at, (size_t)(name_end - at)}, value = {name_end, (size_t)(value_end - name_end)};
    if (openstarry_is(openstarry_cbor_text(name), key)) return value;
    at = value_end;
  }
  return none;
}

/// Returns whether an item is the text `wanted`, which ends with a zero.
static inline bool openstarry_cbor_is(openstarry_bytes item, const char *wanted) {
  return item.length && (uint8_t)*item.at >> 5 == 3 && openstarry_is(openstarry_cbor_text(item), wanted);
}

/// Returns whether an item is `true`.
static inline bool openstarry_cbor_is_true(openstarry_bytes item) {
  return item.length == 1 && (uint8_t)*item.at == 0xF5;
}

/// Returns an item's number as floating point; 0 if it is not a number.
static inline double openstarry_cbor_number(openstarry_bytes item) {
  openstarry_cbor_head head = openstarry_cbor_read(item.at, item.at + item.length);
  union { uint64_t bits; double number; } both = {head.argument};
  if (!item.length) return 0;
  if (head.type == 0) return (double)head.argument;
  if (head.type == 1) return -1 - (double)head.argument;
  // The host writes floating point with 64 bits.
  return (uint8_t)*item.at == 0xFB ? both.number : 0;
}

// JSON. The host's texts have no spaces between their parts, which these functions rely on.

/// Returns the end of the JSON value at `at`, before `end`.
static inline char *openstarry_json_end(char *at, char *end) {
  int depth = 0;
  bool inside = false;
  for (; at < end; at++) {
    if (inside) {
      if (*at == '\\') {
        at++;
      } else if (*at == '"') {
        inside = false;
        if (!depth) return at + 1;
      }
    } else if (*at == '"') {
      inside = true;
    } else if (*at == '{' || *at == '[') {
      depth++;
    } else if (*at == '}' || *at == ']') {
      if (!depth) return at;
      if (!--depth) return at + 1;
    } else if (*at == ',' && !depth) {
      return at;
    }
  }
  return end;
}

/// Returns the member `key` of a JSON map, as it is written; length 0 if there is none. It points into `map`. Keys with
/// escapes are not found.
static inline openstarry_bytes openstarry_json_get(openstarry_bytes map, const char *key) {
  char *at = map.at, *end = map.at + map.length;
  openstarry_bytes none = {0, 0};
  if (at == end || *at != '{') return none;
  at++;
  while (at < end && *at == '"') {
    char *name_end = openstarry_json_end(at, end);
    openstarry_bytes name = {at + 1, (size_t)(name_end - at - 2)};
    at = name_end + 1;
    char *value_end = openstarry_json_end(at, end);
    if (openstarry_is(name, key)) {
      openstarry_bytes value = {at, (size_t)(value_end - at)};
      return value;
    }
    at = value_end + 1;
  }
  return none;
}

/// Returns a JSON number as floating point; the last digit may be off. 0 for anything else.
static inline double openstarry_json_number(openstarry_bytes text) {
  double value = 0, scale = 1;
  size_t index = 0;
  bool negative = text.length && text.at[0] == '-', fraction = false;
  if (negative) index++;
  for (; index < text.length; index++) {
    char character = text.at[index];
    if (character == '.') {
      fraction = true;
    } else if (character >= '0' && character <= '9') {
      value = value * 10 + (character - '0');
      if (fraction) scale *= 10;
    } else {
      break;
    }
  }
  value /= scale;
  if (index < text.length && (text.at[index] | 32) == 'e') {
    int exponent = 0;
    bool down = false;
    for (index++; index < text.length; index++) {
      if (text.at[index] == '-') down = true;
      if (text.at[index] >= '0' && text.at[index] <= '9' && exponent < 400) {
        exponent = exponent * 10 + (text.at[index] - '0');
      }
    }
    for (; exponent > 0; exponent--) value = down ? value / 10 : value * 10;
  }
  return negative ? -value : value;
}

#endif
#endif
