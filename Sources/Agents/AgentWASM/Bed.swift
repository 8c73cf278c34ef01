import CWasmtime

/// What a guest sleeps in while a call of the host waits for its answer: a module of ours beside it in its store, whose one
/// function asks the host again and again whether it still sleeps.
///
/// Code that is in a loop yields when its fuel for a slice is used up. So the call that waits is suspended within the host's
/// function, and that goes on in the end as any other.
enum Bed {
  /// `() -> i32`: whether the guest sleeps. No agent's module may import it.
  static let question = ImportName(module: "openstarry:host", name: "asleep")
  static let signature: Signature = ">i"
  /// `(module (import "openstarry:host" "asleep" (func (result i32)))
  ///   (func (export "sleep") (loop (br_if 0 (call 0)))))`
  static let module: [UInt8] = {
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

  /// Returns when the guest sleeps no more, or is ended.
  static func sleep(_ caller: OpaquePointer, _ bed: wasmtime_func_t, _ library: EngineLibrary) {
    let functions = unsafe library.functions.pointee
    var bed = unsafe bed
    var value = wasmtime_val_raw_t()
    var trap: OpaquePointer?
    // SAFETY: neither parameters nor results; what it returns is ours to delete.
    let error = unsafe functions.wasmtime_func_call_unchecked(
      functions.wasmtime_caller_context(caller), &bed, &value, 0, &trap)
    // Whoever deletes a guest that sleeps has the engine end the loop with an error: nobody wants to know.
    if let error = unsafe error { unsafe functions.wasmtime_error_delete(error) }
    if let trap = unsafe trap { unsafe functions.wasm_trap_delete(trap) }
  }
}
