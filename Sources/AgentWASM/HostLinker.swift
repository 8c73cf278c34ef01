import CWasmtime

/// The host's functions as the engine links them; one for all modules of an engine.
@safe final class HostLinker {
  let engine: Engine
  let pointer: OpaquePointer

  init(_ engine: Engine) throws(EngineError) {
    self.engine = engine
    let functions = engine.functions
    // SAFETY: deleted with the linker; the boxes of the functions live as long as the process, as the engine does.
    unsafe pointer = unsafe functions.wasmtime_linker_new(engine.pointer)
    for entry in HostTable.all {
      let type = unsafe Self.type(entry.signature, functions)
      defer { unsafe functions.wasm_functype_delete(type) }
      let box = unsafe Unmanaged.passRetained(HostFunction(entry, engine.library)).toOpaque()
      var (module, name) = (entry.name.module, entry.name.name)
      let failed = module.withUTF8 { module in
        name.withUTF8 { name in
          unsafe functions.wasmtime_linker_define_func_unchecked(
            pointer, UnsafeRawPointer(module.baseAddress!).assumingMemoryBound(to: CChar.self), module.count,
            UnsafeRawPointer(name.baseAddress!).assumingMemoryBound(to: CChar.self), name.count, type, callHost, box,
            nil)
        }
      }
      if let failed = unsafe failed {
        throw EngineError.unusable(engine.library.path, unsafe engine.take(error: failed))
      }
    }
  }

  deinit { unsafe engine.functions.wasmtime_linker_delete(pointer) }

  private static func type(_ signature: Signature, _ functions: openstarry_wasmtime) -> OpaquePointer {
    var parameters = unsafe vector(signature.parameters, functions)
    var results = unsafe vector(signature.results, functions)
    // SAFETY: takes both vectors.
    return unsafe functions.wasm_functype_new(&parameters, &results)
  }

  private static func vector(_ types: [UInt8], _ functions: openstarry_wasmtime) -> wasm_valtype_vec_t {
    let kinds: [UInt8] = types.map { type in
      type == UInt8(ascii: "I") ? UInt8(OPENSTARRY_I64) : UInt8(OPENSTARRY_I32)
    }
    let made: [OpaquePointer?] = unsafe kinds.map { functions.wasm_valtype_new($0) }
    var vector = unsafe wasm_valtype_vec_t()
    // SAFETY: copies the pointers and takes what they point to.
    unsafe made.withUnsafeBufferPointer {
      unsafe functions.wasm_valtype_vec_new(&vector, $0.count, $0.count == 0 ? nil : $0.baseAddress)
    }
    return unsafe vector
  }
}

/// One function of the host, as the engine's callback finds it.
final class HostFunction {
  let entry: HostTable.Entry
  let library: EngineLibrary

  init(_ entry: HostTable.Entry, _ library: EngineLibrary) {
    self.entry = entry
    self.library = library
  }

  func call(_ guest: Guest, _ values: UnsafeMutablePointer<wasmtime_val_raw_t>) -> GuestFault? {
    do throws(GuestFault) {
      try guest.enter()
      let result = try entry.body(guest, unsafe CallArguments(values: values))
      // SAFETY: the engine gives one value of room for a result; the signature says which half counts.
      if let result {
        unsafe values[0].i64 = entry.signature.results == [UInt8(ascii: "i")] ? result & 0xFFFF_FFFF : result
      }
      return nil
    } catch {
      return error
    }
  }
}

/// What the engine calls for every import.
///
/// SAFETY: `env` is the box that the linker was given, and the store's data the link of its guest; both outlive the call.
private let callHost: openstarry_host_function = { env, caller, values, _ in
  let function = unsafe Unmanaged<HostFunction>.fromOpaque(env!).takeUnretainedValue()
  let functions = unsafe function.library.functions
  let context = unsafe functions.pointee.wasmtime_caller_context(caller)
  let data = unsafe functions.pointee.wasmtime_context_get_data(context)!
  var fault = GuestFault.stopped
  if let guest = unsafe Unmanaged<Guest.Link>.fromOpaque(data).takeUnretainedValue().guest {
    guard let found = unsafe function.call(guest, values) else { return nil }
    fault = found
    guest.fault = found
  }
  var text = fault.description
  return text.withUTF8 { bytes in
    unsafe functions.pointee.wasmtime_trap_new(
      UnsafeRawPointer(bytes.baseAddress!).assumingMemoryBound(to: CChar.self), bytes.count)
  }
}

/// A compiled module, linked to the host and ready to be instantiated.
@safe final class PreparedModule {
  let engine: Engine
  let pre: OpaquePointer
  private let linker: HostLinker
  private let pointer: OpaquePointer

  /// Loads what `Engine.compile` gave; the file is native code and has to be ours.
  init(_ linker: HostLinker, file: String) throws(EngineError) {
    self.linker = linker
    engine = linker.engine
    let functions = engine.functions
    var module: OpaquePointer?
    var pre: OpaquePointer?
    // SAFETY: on success the pointers are ours; they are deleted in deinit.
    if let failed = unsafe functions.wasmtime_module_deserialize_file(engine.pointer, file, &module) {
      throw EngineError.unusable(engine.library.path, unsafe engine.take(error: failed))
    }
    guard let module = unsafe module else { throw EngineError.unusable(engine.library.path, "no module in \(file)") }
    if let failed = unsafe functions.wasmtime_linker_instantiate_pre(linker.pointer, module, &pre) {
      unsafe functions.wasmtime_module_delete(module)
      throw EngineError.unusable(engine.library.path, unsafe engine.take(error: failed))
    }
    unsafe pointer = unsafe module
    unsafe self.pre = unsafe pre!
  }

  deinit {
    unsafe engine.functions.wasmtime_instance_pre_delete(pre)
    unsafe engine.functions.wasmtime_module_delete(pointer)
  }
}
