// The part of wasmtime's C API that is used, as function pointers that are looked up when the library is loaded.
//
// Declared here because the wheel with the library has no headers. Layouts and names are those of wasmtime 48 to 50
// (docs.wasmtime.dev/c-api) on 64-bit machines.
#ifndef OPENSTARRY_CWASMTIME_H
#define OPENSTARRY_CWASMTIME_H

#include <dlfcn.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/resource.h>

#pragma clang assume_nonnull begin

typedef struct wasm_config_t wasm_config_t;
typedef struct wasm_engine_t wasm_engine_t;
typedef struct wasm_valtype_t wasm_valtype_t;
typedef struct wasm_functype_t wasm_functype_t;
typedef struct wasm_trap_t wasm_trap_t;
typedef struct wasmtime_error wasmtime_error_t;
typedef struct wasmtime_module wasmtime_module_t;
typedef struct wasmtime_linker wasmtime_linker_t;
typedef struct wasmtime_store wasmtime_store_t;
typedef struct wasmtime_context wasmtime_context_t;
typedef struct wasmtime_caller wasmtime_caller_t;
typedef struct wasmtime_instance_pre wasmtime_instance_pre_t;
typedef struct wasmtime_call_future wasmtime_call_future_t;

typedef struct wasm_byte_vec_t { size_t size; uint8_t *_Nullable data; } wasm_byte_vec_t;
typedef struct wasm_valtype_vec_t { size_t size; wasm_valtype_t *_Nullable *_Nullable data; } wasm_valtype_vec_t;
typedef struct wasmtime_instance_t { uint64_t store; size_t index; } wasmtime_instance_t;
typedef struct wasmtime_func_t { uint64_t store; void *_Nullable function; } wasmtime_func_t;
typedef struct wasmtime_memory_t { struct { uint64_t store; uint32_t one; } place; uint32_t two; } wasmtime_memory_t;
typedef struct wasmtime_extern_t {
  uint8_t kind;
  union { wasmtime_func_t func; wasmtime_memory_t memory; } of;
} wasmtime_extern_t;
typedef struct wasmtime_val_t {
  uint8_t kind;
  union { int32_t i32; int64_t i64; uint64_t room[3]; } of;
} wasmtime_val_t;
typedef union wasmtime_val_raw_t { int32_t i32; int64_t i64; uint64_t room[2]; } wasmtime_val_raw_t;

_Static_assert(sizeof(void *) == 8, "the engine exists for 64-bit machines only");
_Static_assert(sizeof(wasmtime_instance_t) == 16 && sizeof(wasmtime_func_t) == 16, "handles");
_Static_assert(sizeof(wasmtime_memory_t) == 24 && sizeof(wasmtime_extern_t) == 32, "exports");
_Static_assert(sizeof(wasmtime_val_t) == 32 && sizeof(wasmtime_val_raw_t) == 16, "values");

enum { OPENSTARRY_EXTERN_FUNC = 0, OPENSTARRY_EXTERN_MEMORY = 3 };
enum { OPENSTARRY_I32 = 0, OPENSTARRY_I64 = 1 };
enum { OPENSTARRY_TRAP_STACK = 0, OPENSTARRY_TRAP_UNREACHABLE = 9, OPENSTARRY_TRAP_FUEL = 11 };

typedef wasm_trap_t *_Nullable (*openstarry_host_function)(
    void *_Nullable env, wasmtime_caller_t *caller, wasmtime_val_raw_t *values, size_t count);
typedef void (*openstarry_finalizer)(void *_Nullable);

// F(result, name, parameters)
#define OPENSTARRY_WASMTIME_FUNCTIONS(F) \
  F(wasm_config_t *_Nonnull, wasm_config_new, (void)) \
  F(wasm_engine_t *_Nonnull, wasm_engine_new_with_config, (wasm_config_t *)) \
  F(void, wasmtime_config_consume_fuel_set, (wasm_config_t *, bool)) \
  F(void, wasmtime_config_epoch_interruption_set, (wasm_config_t *, bool)) \
  F(void, wasmtime_config_parallel_compilation_set, (wasm_config_t *, bool)) \
  F(void, wasmtime_config_memory_may_move_set, (wasm_config_t *, bool)) \
  F(void, wasmtime_config_native_unwind_info_set, (wasm_config_t *, bool)) \
  F(void, wasmtime_config_gc_support_set, (wasm_config_t *, bool)) \
  F(void, wasmtime_config_concurrency_support_set, (wasm_config_t *, bool)) \
  F(void, wasmtime_config_shared_memory_set, (wasm_config_t *, bool)) \
  F(void, wasmtime_config_wasm_gc_set, (wasm_config_t *, bool)) \
  F(void, wasmtime_config_wasm_function_references_set, (wasm_config_t *, bool)) \
  F(void, wasmtime_config_wasm_exceptions_set, (wasm_config_t *, bool)) \
  F(void, wasmtime_config_wasm_threads_set, (wasm_config_t *, bool)) \
  F(void, wasmtime_config_wasm_simd_set, (wasm_config_t *, bool)) \
  F(void, wasmtime_config_wasm_relaxed_simd_set, (wasm_config_t *, bool)) \
  F(void, wasmtime_config_wasm_memory64_set, (wasm_config_t *, bool)) \
  F(void, wasmtime_config_wasm_multi_memory_set, (wasm_config_t *, bool)) \
  F(void, wasmtime_config_wasm_tail_call_set, (wasm_config_t *, bool)) \
  F(void, wasmtime_config_wasm_component_model_set, (wasm_config_t *, bool)) \
  F(void, wasmtime_config_memory_reservation_set, (wasm_config_t *, uint64_t)) \
  F(void, wasmtime_config_memory_guard_size_set, (wasm_config_t *, uint64_t)) \
  F(void, wasmtime_config_memory_reservation_for_growth_set, (wasm_config_t *, uint64_t)) \
  F(void, wasmtime_config_max_wasm_stack_set, (wasm_config_t *, size_t)) \
  F(void, wasmtime_config_async_stack_size_set, (wasm_config_t *, size_t)) \
  F(wasmtime_error_t *_Nullable, wasmtime_module_new, \
    (wasm_engine_t *, const uint8_t *, size_t, wasmtime_module_t *_Nullable *_Nonnull)) \
  F(wasmtime_error_t *_Nullable, wasmtime_module_serialize, (const wasmtime_module_t *, wasm_byte_vec_t *)) \
  F(wasmtime_error_t *_Nullable, wasmtime_module_deserialize_file, \
    (wasm_engine_t *, const char *, wasmtime_module_t *_Nullable *_Nonnull)) \
  F(void, wasmtime_module_delete, (wasmtime_module_t *)) \
  F(wasm_valtype_t *_Nonnull, wasm_valtype_new, (uint8_t)) \
  F(void, wasm_valtype_vec_new, (wasm_valtype_vec_t *, size_t, wasm_valtype_t *_Nullable const *_Nullable)) \
  F(wasm_functype_t *_Nonnull, wasm_functype_new, (wasm_valtype_vec_t *, wasm_valtype_vec_t *)) \
  F(void, wasm_functype_delete, (wasm_functype_t *)) \
  F(wasmtime_linker_t *_Nonnull, wasmtime_linker_new, (wasm_engine_t *)) \
  F(wasmtime_error_t *_Nullable, wasmtime_linker_define_func_unchecked, \
    (wasmtime_linker_t *, const char *, size_t, const char *, size_t, const wasm_functype_t *, \
     openstarry_host_function, void *_Nullable, openstarry_finalizer _Nullable)) \
  F(wasmtime_error_t *_Nullable, wasmtime_linker_instantiate_pre, \
    (const wasmtime_linker_t *, const wasmtime_module_t *, wasmtime_instance_pre_t *_Nullable *_Nonnull)) \
  F(void, wasmtime_instance_pre_delete, (wasmtime_instance_pre_t *)) \
  F(wasmtime_call_future_t *_Nonnull, wasmtime_instance_pre_instantiate_async, \
    (const wasmtime_instance_pre_t *, wasmtime_context_t *, wasmtime_instance_t *, \
     wasm_trap_t *_Nullable *_Nonnull, wasmtime_error_t *_Nullable *_Nonnull)) \
  F(wasmtime_store_t *_Nonnull, wasmtime_store_new, (wasm_engine_t *, void *_Nullable, openstarry_finalizer _Nullable)) \
  F(wasmtime_context_t *_Nonnull, wasmtime_store_context, (wasmtime_store_t *)) \
  F(void, wasmtime_store_delete, (wasmtime_store_t *)) \
  F(void, wasmtime_linker_delete, (wasmtime_linker_t *)) \
  F(void, wasmtime_store_limiter, (wasmtime_store_t *, int64_t, int64_t, int64_t, int64_t, int64_t)) \
  F(wasmtime_error_t *_Nullable, wasmtime_context_set_fuel, (wasmtime_context_t *, uint64_t)) \
  F(wasmtime_error_t *_Nullable, wasmtime_context_get_fuel, (const wasmtime_context_t *, uint64_t *)) \
  F(wasmtime_error_t *_Nullable, wasmtime_context_fuel_async_yield_interval, (wasmtime_context_t *, uint64_t)) \
  F(void *_Nullable, wasmtime_context_get_data, (const wasmtime_context_t *)) \
  F(wasmtime_context_t *_Nonnull, wasmtime_caller_context, (wasmtime_caller_t *)) \
  F(bool, wasmtime_instance_export_get, \
    (wasmtime_context_t *, const wasmtime_instance_t *, const char *, size_t, wasmtime_extern_t *)) \
  F(uint8_t *_Nullable, wasmtime_memory_data, (wasmtime_context_t *, const wasmtime_memory_t *)) \
  F(size_t, wasmtime_memory_data_size, (const wasmtime_context_t *, const wasmtime_memory_t *)) \
  F(wasmtime_error_t *_Nullable, wasmtime_func_call_unchecked, \
    (wasmtime_context_t *, const wasmtime_func_t *, wasmtime_val_raw_t *, size_t, wasm_trap_t *_Nullable *_Nonnull)) \
  F(wasmtime_call_future_t *_Nonnull, wasmtime_func_call_async, \
    (wasmtime_context_t *, const wasmtime_func_t *, const wasmtime_val_t *, size_t, wasmtime_val_t *, size_t, \
     wasm_trap_t *_Nullable *_Nonnull, wasmtime_error_t *_Nullable *_Nonnull)) \
  F(bool, wasmtime_call_future_poll, (wasmtime_call_future_t *)) \
  F(void, wasmtime_call_future_delete, (wasmtime_call_future_t *)) \
  F(wasm_trap_t *_Nonnull, wasmtime_trap_new, (const char *, size_t)) \
  F(bool, wasmtime_trap_code, (const wasm_trap_t *, uint8_t *)) \
  F(void, wasm_trap_message, (const wasm_trap_t *, wasm_byte_vec_t *)) \
  F(void, wasm_trap_delete, (wasm_trap_t *)) \
  F(void, wasmtime_error_message, (const wasmtime_error_t *, wasm_byte_vec_t *)) \
  F(void, wasmtime_error_delete, (wasmtime_error_t *)) \
  F(void, wasm_byte_vec_delete, (wasm_byte_vec_t *))

#define OPENSTARRY_FIELD(result, name, parameters) result (*name) parameters;
struct openstarry_wasmtime { OPENSTARRY_WASMTIME_FUNCTIONS(OPENSTARRY_FIELD) };

// Looks up all functions. Returns NULL, and in `*missing` the name of the first missing one, for an unsuitable library.
static inline const struct openstarry_wasmtime *_Nullable openstarry_wasmtime_look_up(
    void *library, const char *_Nullable *_Nonnull missing) {
  struct openstarry_wasmtime *functions = (struct openstarry_wasmtime *)calloc(1, sizeof *functions);
  if (!functions) abort();
#define OPENSTARRY_LOOK_UP(result, name, parameters) \
  if (!(*(void **)(void *)&functions->name = dlsym(library, #name))) { \
    *missing = #name; \
    free(functions); \
    return NULL; \
  }
  OPENSTARRY_WASMTIME_FUNCTIONS(OPENSTARRY_LOOK_UP)
  return functions;
}

// The storage of an asynchronous call; must not move until the call has ended.
struct openstarry_call {
  wasmtime_func_t function;
  wasmtime_val_t arguments[4];
  wasmtime_val_t results[1];
  wasmtime_instance_t instance;
  wasm_trap_t *_Nullable trap;
  wasmtime_error_t *_Nullable error;
};
static inline void openstarry_call_set(struct openstarry_call *call, int index, int32_t value) {
  call->arguments[index].kind = OPENSTARRY_I32;
  call->arguments[index].of.i32 = value;
}
// The arrays as pointers, since they import as tuples.
static inline wasmtime_val_t *openstarry_call_arguments(struct openstarry_call *call) { return call->arguments; }
static inline wasmtime_val_t *openstarry_call_results(struct openstarry_call *call) { return call->results; }

// The resource's type differs between C libraries.
static inline int openstarry_limit(int resource, uint64_t most) {
  struct rlimit limit = {.rlim_cur = most, .rlim_max = most};
  return setrlimit(resource, &limit);
}
enum { OPENSTARRY_LIMIT_SPACE = RLIMIT_AS, OPENSTARRY_LIMIT_CPU = RLIMIT_CPU, OPENSTARRY_LIMIT_FILE = RLIMIT_FSIZE,
       OPENSTARRY_LIMIT_CORE = RLIMIT_CORE };

#pragma clang assume_nonnull end
#endif
