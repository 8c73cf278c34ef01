import CWasmtime
import Linux

/// The engine's settings. All of them are part of the key of artefacts.
package struct EngineConfiguration: Sendable, Hashable {
  /// The largest memory of any agent, in bytes. So much address space is reserved for each, so that memory never moves.
  package var memory = 16 << 20
  /// The stack of a guest's code, in bytes.
  package var guestStack = 128 << 10
  /// The stack of an activation, in bytes: of the guest and its host calls. Only touched pages take memory.
  package var stack = 1 << 20

  /// The tested configuration for boards with 512 MB to 1 GB.
  package init() {}

  /// A line that differs if compiled code would.
  var text: String { "1 fuel memory=\(memory) guard=65536 guestStack=\(guestStack) stack=\(stack) mvp+bulk+reference" }
}

/// wasmtime's engine; one per process.
@safe final class Engine {
  let library: EngineLibrary
  let configuration: EngineConfiguration
  let pointer: OpaquePointer

  var functions: openstarry_wasmtime { unsafe library.functions.pointee }

  /// Epochs are off: they need a second thread that ticks. Slices of fuel bound an activation without it, because wasmtime
  /// charges bulk memory instructions by length. The tests check that.
  init(_ library: EngineLibrary, _ configuration: EngineConfiguration = EngineConfiguration()) {
    self.library = library
    self.configuration = configuration
    let functions = unsafe library.functions.pointee
    // SAFETY: the engine takes the configuration. It is never deleted, because modules and stores refer to it.
    let config = functions.wasm_config_new()
    unsafe functions.wasmtime_config_consume_fuel_set(config, true)
    let off = unsafe [
      functions.wasmtime_config_epoch_interruption_set, functions.wasmtime_config_parallel_compilation_set,
      functions.wasmtime_config_memory_may_move_set, functions.wasmtime_config_native_unwind_info_set,
      functions.wasmtime_config_gc_support_set, functions.wasmtime_config_concurrency_support_set,
      functions.wasmtime_config_shared_memory_set, functions.wasmtime_config_wasm_gc_set,
      functions.wasmtime_config_wasm_function_references_set, functions.wasmtime_config_wasm_exceptions_set,
      functions.wasmtime_config_wasm_threads_set, functions.wasmtime_config_wasm_relaxed_simd_set,
      functions.wasmtime_config_wasm_simd_set, functions.wasmtime_config_wasm_memory64_set,
      functions.wasmtime_config_wasm_multi_memory_set, functions.wasmtime_config_wasm_tail_call_set,
      functions.wasmtime_config_wasm_component_model_set,
    ]
    unsafe off.forEach { unsafe $0(config, false) }
    unsafe functions.wasmtime_config_memory_reservation_set(config, UInt64(configuration.memory))
    unsafe functions.wasmtime_config_memory_guard_size_set(config, 65536)
    unsafe functions.wasmtime_config_memory_reservation_for_growth_set(config, 0)
    unsafe functions.wasmtime_config_max_wasm_stack_set(config, configuration.guestStack)
    unsafe functions.wasmtime_config_async_stack_size_set(config, configuration.stack)
    unsafe pointer = unsafe functions.wasm_engine_new_with_config(config)
  }

  /// Compiles a module into native code. Takes time and memory, so only for child processes.
  func compile(_ module: [UInt8]) throws(EngineError) -> [UInt8] {
    let functions = self.functions
    var compiled: OpaquePointer?
    // SAFETY: the bytes are valid for their count during the call; on success `compiled` is ours to delete.
    let failed = unsafe module.withUnsafeBufferPointer { bytes -> OpaquePointer? in
      guard let base = bytes.baseAddress else { return nil }
      return unsafe functions.wasmtime_module_new(pointer, base, bytes.count, &compiled)
    }
    if let failed = unsafe failed { throw EngineError.unusable(library.path, unsafe take(error: failed)) }
    guard let compiled = unsafe compiled else { throw EngineError.unusable(library.path, "an empty module") }
    defer { unsafe functions.wasmtime_module_delete(compiled) }
    var bytes = unsafe wasm_byte_vec_t()
    if let failed = unsafe functions.wasmtime_module_serialize(compiled, &bytes) {
      throw EngineError.unusable(library.path, unsafe take(error: failed))
    }
    return unsafe take(bytes: &bytes)
  }

  /// Deletes an error.
  /// - Returns: its text.
  func take(error: OpaquePointer) -> String {
    var bytes = unsafe wasm_byte_vec_t()
    // SAFETY: the error is valid and ours; the message is a copy.
    unsafe functions.wasmtime_error_message(error, &bytes)
    unsafe functions.wasmtime_error_delete(error)
    return String(decoding: unsafe take(bytes: &bytes), as: UTF8.self)
  }

  /// Deletes a trap.
  /// - Returns: its code, nil unless the engine raised it, and its text.
  func take(trap: OpaquePointer) -> (code: UInt8?, text: String) {
    var bytes = unsafe wasm_byte_vec_t()
    var code: UInt8 = 0
    // SAFETY: the trap is valid and ours; the message is a copy.
    let hasCode = unsafe functions.wasmtime_trap_code(trap, &code)
    unsafe functions.wasm_trap_message(trap, &bytes)
    unsafe functions.wasm_trap_delete(trap)
    // The message ends with a zero.
    let text = unsafe take(bytes: &bytes).prefix { $0 != 0 }
    return (hasCode ? code : nil, String(decoding: text, as: UTF8.self))
  }

  private func take(bytes: inout wasm_byte_vec_t) -> [UInt8] {
    // SAFETY: the engine allocated `size` bytes at `data`; they are copied before they are freed.
    let copy = unsafe [UInt8](UnsafeBufferPointer(start: bytes.data, count: bytes.size))
    unsafe functions.wasm_byte_vec_delete(&bytes)
    return copy
  }
}
