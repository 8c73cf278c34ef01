import CWasmtime

/// Suspends a guest while a host call waits for its answer: a module of ours in the guest's store, whose only function asks
/// the host in a loop whether the guest still waits.
///
/// Code in a loop yields at the end of its slice of fuel. So the waiting call is suspended within the host function, which
/// returns in the end like any other.
enum SuspensionModule {
  /// `() -> i32`: whether the guest still waits. No agent's module may import it.
  static let question = ImportName(module: "openstarry:host", name: "asleep")
  static let signature: Signature = ">i"
  /// `(module (import "openstarry:host" "asleep" (func (result i32)))
  ///   (func (export "sleep") (loop (br_if 0 (call 0)))))`
  static let bytes: [UInt8] = {
    func section(_ id: UInt8, _ content: [UInt8]) -> [UInt8] { [id, UInt8(content.count)] + content }
    func name(_ text: String) -> [UInt8] { [UInt8(text.utf8.count)] + text.utf8 }
    var module: [UInt8] = [0, 0x61, 0x73, 0x6D, 1, 0, 0, 0]
    module += section(1, [2, 0x60, 0, 1, 0x7F, 0x60, 0, 0])
    module += section(2, [1] + name(question.module) + name(question.name) + [0, 0])
    module += section(3, [1, 1])
    module += section(7, [1] + name(export) + [0, 1])
    module += section(10, [1, 9, 0, 0x03, 0x40, 0x10, 0, 0x0D, 0, 0x0B, 0x0B])
    return module
  }()
  static let export = "sleep"

  /// Returns when the guest no longer waits, or is ended.
  static func sleep(_ caller: OpaquePointer, _ suspension: wasmtime_func_t, _ library: EngineLibrary) {
    let functions = unsafe library.functions.pointee
    var suspension = unsafe suspension
    var value = wasmtime_val_raw_t()
    var trap: OpaquePointer?
    // SAFETY: no parameters, no results; the error or trap is ours to delete.
    let error = unsafe functions.wasmtime_func_call_unchecked(
      functions.wasmtime_caller_context(caller), &suspension, &value, 0, &trap)
    // Deleting a suspended guest ends the loop with an error, which does not matter.
    if let error = unsafe error { unsafe functions.wasmtime_error_delete(error) }
    if let trap = unsafe trap { unsafe functions.wasm_trap_delete(trap) }
  }
}
