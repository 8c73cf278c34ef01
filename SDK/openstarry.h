// The contract between openstarryd and agents that are WebAssembly modules, for C.
//
// docs/wasm-abi.md describes it; Sources/Agents/AgentWASM/wit/openstarry.wit is its written form. An agent defines
// `openstarry_handle`, and may define `openstarry_start` and `openstarry_snapshot`:
//
//   #include "openstarry.h"
//
//   const openstarry_result *openstarry_handle(char *event, size_t length) {
//     openstarry_area area;
//     openstarry_control(OPENSTARRY_TEXT("lamp"), OPENSTARRY_TEXT("\"on\""), 5000, &area);
//     return area.failed ? openstarry_fail(area.of.error.message, area.of.error.length) : openstarry_ok();
//   }
//
// `SDK/build FOLDER` compiles it together with runtime.c, which has malloc and free.
#ifndef OPENSTARRY_H
#define OPENSTARRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define OPENSTARRY_IMPORT(module, name) __attribute__((import_module(module), import_name(name)))
#define OPENSTARRY_EXPORT(name) __attribute__((export_name(name)))

/// A literal as the two parameters that texts take: where it is, and its length without the zero at its end.
#define OPENSTARRY_TEXT(literal) (literal), (sizeof(literal) - 1)

/// Why a call did not do what was asked.
enum openstarry_code {
  OPENSTARRY_DENIED = 0,       ///< the manifest does not grant it
  OPENSTARRY_NOT_FOUND = 1,    ///< no such device, key or file
  OPENSTARRY_BUSY = 2,         ///< somebody else holds it
  OPENSTARRY_LIMITED = 3,      ///< a limit of the device or of the budget stands against it
  OPENSTARRY_UNAVAILABLE = 4,  ///< it exists, and has nothing to say at present
  OPENSTARRY_INVALID = 5,      ///< the arguments make no sense
  OPENSTARRY_FAILED = 6,       ///< the hardware or the system failed
};

/// How serious a line of the log is (RFC 5424, 6.2.1).
enum openstarry_level {
  OPENSTARRY_EMERGENCY, OPENSTARRY_ALERT, OPENSTARRY_CRITICAL, OPENSTARRY_ERROR,
  OPENSTARRY_WARNING, OPENSTARRY_NOTICE, OPENSTARRY_INFO, OPENSTARRY_DEBUG,
};

/// A piece of memory that the host handed over: the agent's own, to be given to `free` when its length is not 0.
typedef struct openstarry_bytes {
  char *at;
  size_t length;
} openstarry_bytes;

/// What a call that can fail answers: 16 bytes.
typedef struct openstarry_area {
  uint8_t failed;  ///< 0: `of.value` holds; 1: `of.error` holds
  union {
    openstarry_bytes value;
    struct {
      uint8_t code;   ///< one of `openstarry_code`
      char *message;  ///< a sentence, the agent's own
      size_t length;
    } error;
  } of;
} openstarry_area;

/// What `openstarry_handle` and `openstarry_start` return: 12 bytes that stay valid until the next call of the module.
typedef struct openstarry_result {
  uint8_t failed;
  const char *message;  ///< why, when it failed
  size_t length;
} openstarry_result;

// What the agent calls. Texts are UTF-8; every `area` is filled in.

/// The newest reading of a sensor, or the level of an input: `{"value":21.5,"unit":"°C","time":ns,"quality":"good"}`.
OPENSTARRY_IMPORT("openstarry:hal/sensors@0.1.0", "read")
void openstarry_read(const char *id, size_t id_length, openstarry_area *area);

/// Asks an actuator to do something: `"on"`, `"off"`, `{"level":0.4}`, `{"pulse_ms":500}`, quotes included.
/// `lease_ms`: how long it may stay away from its safe state; 0 takes the board's default.
/// Gives `{"id":ULID,"state":1.0,"previous":0.0,"at":ns}`.
OPENSTARRY_IMPORT("openstarry:hal/actuators@0.1.0", "control")
void openstarry_control(
    const char *id, size_t id_length, const char *command, size_t command_length, uint64_t lease_ms,
    openstarry_area *area);

/// The newest picture of a camera, as JPEG; `OPENSTARRY_UNAVAILABLE` when none is ready: `camera:snapshot` tells when.
OPENSTARRY_IMPORT("openstarry:hal/cameras@0.1.0", "snapshot")
void openstarry_camera_snapshot(const char *id, size_t id_length, openstarry_area *area);

/// The newest picture of a camera in grey: exactly `width` times `height` bytes, 0 black to 255 white, row by row;
/// `OPENSTARRY_UNAVAILABLE` when none is ready: `camera:frame` tells when.
OPENSTARRY_IMPORT("openstarry:hal/cameras@0.1.0", "frame")
void openstarry_camera_frame(
    const char *id, size_t id_length, uint32_t width, uint32_t height, openstarry_area *area);

/// Asks a model, and sleeps until it answers. `system` is what it is told about its part beforehand, or empty; `max_tokens`
/// bounds the answer, 0 leaves it to the model's settings. Gives the answer's text.
OPENSTARRY_IMPORT("openstarry:agent/model@0.1.0", "complete")
void openstarry_complete(
    const char *prompt, size_t prompt_length, const char *system, size_t system_length, uint32_t max_tokens,
    openstarry_area *area);

/// Publishes an event; `payload` is a JSON map or empty. Gives the event's id.
OPENSTARRY_IMPORT("openstarry:agent/events@0.1.0", "emit")
void openstarry_emit(
    const char *type, size_t type_length, const char *payload, size_t payload_length, openstarry_area *area);

/// Appends to the agent's log.
OPENSTARRY_IMPORT("openstarry:agent/log@0.1.0", "write")
void openstarry_log(uint32_t level, const char *message, size_t length);

/// The durable value under a key, as JSON; `OPENSTARRY_NOT_FOUND` when there is none.
OPENSTARRY_IMPORT("openstarry:agent/state@0.1.0", "get")
void openstarry_state_get(const char *key, size_t key_length, openstarry_area *area);

/// Keeps a JSON value under a key across restarts. Gives nothing.
OPENSTARRY_IMPORT("openstarry:agent/state@0.1.0", "set")
void openstarry_state_set(
    const char *key, size_t key_length, const char *value, size_t value_length, openstarry_area *area);

/// Forgets the value under a key. Gives nothing.
OPENSTARRY_IMPORT("openstarry:agent/state@0.1.0", "remove")
void openstarry_state_remove(const char *key, size_t key_length, openstarry_area *area);

/// Milliseconds after which the call that was refused last may succeed; 0 when nobody knows.
OPENSTARRY_IMPORT("openstarry:agent/refusal@0.1.0", "retry-after")
uint64_t openstarry_retry_after(void);

/// Nanoseconds on the monotonic clock.
OPENSTARRY_IMPORT("openstarry:agent/clock@0.1.0", "monotonic-now")
uint64_t openstarry_now(void);

/// 64 bits from the kernel's generator.
OPENSTARRY_IMPORT("openstarry:agent/random@0.1.0", "get-u64")
uint64_t openstarry_random(void);

// The two functions of WASI preview 1 that give the environment, as NAME=value; 0 when they succeed.
OPENSTARRY_IMPORT("wasi_snapshot_preview1", "environ_sizes_get")
int32_t openstarry_environ_sizes_get(size_t *count, size_t *bytes);
OPENSTARRY_IMPORT("wasi_snapshot_preview1", "environ_get")
int32_t openstarry_environ_get(char **variables, char *bytes);

// runtime.c

/// The agent's id, as in its manifest; length 0 when the host does not say. Not to be given to `free`.
openstarry_bytes openstarry_agent_id(void);

void *malloc(size_t size);
void free(void *memory);

#ifndef OPENSTARRY_SWIFT

// What the agent defines.

/// Handles one event, given as JSON: `{"id":…,"type":"sensor:temperature",…,"payload":{"value":31.5}}`. The text is the
/// agent's own: give it to `free`.
OPENSTARRY_EXPORT("openstarry:agent/handler@0.1.0#handle")
const openstarry_result *openstarry_handle(char *event, size_t length);

/// Optional: runs once, before the first event.
OPENSTARRY_EXPORT("openstarry:agent/handler@0.1.0#start")
const openstarry_result *openstarry_start(void);

/// Optional: counters, gauges and state for people to see, as a JSON map.
OPENSTARRY_EXPORT("openstarry:agent/handler@0.1.0#snapshot")
const openstarry_bytes *openstarry_snapshot(void);

// Helpers.

/// What a handler returns when it has done its work.
static inline const openstarry_result *openstarry_ok(void) {
  static const openstarry_result result = {0, 0, 0};
  return &result;
}

/// What a handler returns when it gives up; `message` has to stay where it is until the next call. With the message of a call
/// that was refused, alone or within another, the activation counts as refused, not as failed.
static inline const openstarry_result *openstarry_fail(const char *message, size_t length) {
  static openstarry_result result;
  result.failed = 1;
  result.message = message;
  result.length = length;
  return &result;
}

/// Whether a call was refused: another holds the device, a limit or the manifest stands against it, or the sensor or the
/// hardware does not answer. False where it succeeded, and for what is wrong with the call itself.
static inline bool openstarry_is_refusal(const openstarry_area *area) {
  return area->failed && area->of.error.code != OPENSTARRY_NOT_FOUND && area->of.error.code != OPENSTARRY_INVALID;
}

/// Frees what an answer holds, a value or a message.
static inline void openstarry_release(openstarry_area *area) {
  if (area->failed) {
    if (area->of.error.length) free(area->of.error.message);
  } else if (area->of.value.length) {
    free(area->of.value.at);
  }
  area->failed = 0;
  area->of.value.length = 0;
}

/// Whether a piece of text is `wanted`, which ends with a zero.
static inline bool openstarry_is(openstarry_bytes text, const char *wanted) {
  size_t index = 0;
  for (; index < text.length; index++) {
    if (!wanted[index] || text.at[index] != wanted[index]) return false;
  }
  return !wanted[index];
}

/// Where the JSON value that begins at `at` ends, before `end`. The text has to be JSON, as the host's texts are.
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

/// The member `key` of a JSON map, as it is written there; nothing (length 0) when there is none. Keys with escapes are
/// not found. It points into `map`. The daemon's texts have no spaces between their parts, which this relies on.
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

/// A JSON number as floating point; the last digit may be off. 0 for anything else.
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
