import CWasmtime
import Model

/// The host's functions, for the engine to link; one for all modules of an engine.
///
/// For the engine all of them are synchronous: if a guest's allocator called an asynchronous one while a result is written, the
/// engine would end the process. A call that is answered later suspends the guest in `SuspensionModule`.
@safe final class HostLinker {
  let engine: Engine
  let pointer: OpaquePointer

  init(_ engine: Engine) throws(EngineError) {
    self.engine = engine
    let functions = engine.functions
    // SAFETY: deleted with the linker.
    unsafe pointer = unsafe functions.wasmtime_linker_new(engine.pointer)
    for entry in HostTable.all {
      // The boxes live as long as the process, like the engine.
      let box = unsafe Unmanaged.passRetained(HostFunction(entry, engine.library)).toOpaque()
      unsafe try define(entry.name, entry.signature, callHost, box)
    }
    let library = unsafe Unmanaged.passRetained(LibraryBox(engine.library)).toOpaque()
    unsafe try define(SuspensionModule.question, SuspensionModule.signature, isAsleep, library)
  }

  private func define(
    _ entry: ImportName, _ signature: Signature, _ function: @escaping openstarry_host_function,
    _ box: UnsafeMutableRawPointer
  ) throws(EngineError) {
    let functions = engine.functions
    let type = unsafe Self.type(signature, functions)
    defer { unsafe functions.wasm_functype_delete(type) }
    var (module, name) = (entry.module, entry.name)
    // SAFETY: the texts are valid for their counts during the call, which copies them.
    let failed = module.withUTF8 { module in
      name.withUTF8 { name in
        let place = unsafe UnsafeRawPointer(module.baseAddress!).assumingMemoryBound(to: CChar.self)
        let key = unsafe UnsafeRawPointer(name.baseAddress!).assumingMemoryBound(to: CChar.self)
        return unsafe functions.wasmtime_linker_define_func_unchecked(
          pointer, place, module.count, key, name.count, type, function, box, nil)
      }
    }
    if let failed = unsafe failed {
      throw EngineError.unusable(engine.library.path, unsafe engine.take(error: failed))
    }
  }

  deinit { unsafe engine.functions.wasmtime_linker_delete(pointer) }

  private static func type(_ signature: Signature, _ functions: openstarry_wasmtime) -> OpaquePointer {
    var parameters = unsafe vector(signature.parameters, functions)
    var results = unsafe vector(signature.results, functions)
    // SAFETY: the function takes ownership of both vectors.
    return unsafe functions.wasm_functype_new(&parameters, &results)
  }

  private static func vector(_ types: [UInt8], _ functions: openstarry_wasmtime) -> wasm_valtype_vec_t {
    let kinds: [UInt8] = types.map { type in
      type == UInt8(ascii: "I") ? UInt8(OPENSTARRY_I64) : UInt8(OPENSTARRY_I32)
    }
    let made: [OpaquePointer?] = unsafe kinds.map { functions.wasm_valtype_new($0) }
    var vector = unsafe wasm_valtype_vec_t()
    // SAFETY: the function copies the pointers and takes ownership of their targets.
    unsafe made.withUnsafeBufferPointer {
      unsafe functions.wasm_valtype_vec_new(&vector, $0.count, $0.count == 0 ? nil : $0.baseAddress)
    }
    return unsafe vector
  }
}

/// A host function, for the engine's callback.
final class HostFunction {
  let entry: HostTable.Entry
  let library: EngineLibrary

  init(_ entry: HostTable.Entry, _ library: EngineLibrary) {
    self.entry = entry
    self.library = library
  }

  /// Executes a call.
  /// - Returns: the pending call, to be awaited before `answer`; nil if the call is complete.
  func call(_ guest: Guest, _ values: UnsafeMutablePointer<wasmtime_val_raw_t>) throws(GuestFault) -> PendingCall? {
    let start = try guest.enter()
    defer { guest.leave(since: start) }
    let arguments = unsafe CallArguments(values: values)
    switch entry.body {
    case .now(let body):
      // SAFETY: the engine provides one value for a result; the signature says which half is used.
      if let result = try body(guest, arguments) {
        unsafe values[0].i64 = entry.signature.results == [UInt8(ascii: "i")] ? result & 0xFFFF_FFFF : result
      }
      return nil
    case .later(let body):
      let wait = try body(guest, arguments)
      guard wait.answer == nil else {
        try guest.write(wait)
        return nil
      }
      guard unsafe guest.suspension != nil else {
        guest.withdraw()
        try guest.write(
          .failure(AgentError(.unavailable, "this agent may not wait for a model")), at: wait.place)
        return nil
      }
      guest.yieldSoon()
      return wait
    }
  }

  /// Writes the answer to a pending call.
  func answer(_ guest: Guest, _ wait: PendingCall) throws(GuestFault) {
    guard guest.host != nil, wait.answer != nil else { throw .stopped }
    let start = guest.clock.now
    defer { guest.leave(since: start) }
    try guest.write(wait)
  }

  /// Does `work` with the guest of a store.
  /// - Returns: the trap that ends the guest's call; nil if it continues.
  func with(_ caller: OpaquePointer, _ work: (Guest) throws(GuestFault) -> Void) -> OpaquePointer? {
    let functions = unsafe library.functions
    let context = unsafe functions.pointee.wasmtime_caller_context(caller)
    // SAFETY: the store's data is the link of its guest, which lives as long as the store.
    let data = unsafe functions.pointee.wasmtime_context_get_data(context)!
    let guest = unsafe Unmanaged<Guest.Link>.fromOpaque(data).takeUnretainedValue().guest
    do throws(GuestFault) {
      guard let guest else { throw .stopped }
      try work(guest)
      return nil
    } catch {
      return unsafe trap(error, guest)
    }
  }

  /// A trap with the fault's description.
  func trap(_ fault: GuestFault, _ guest: Guest?) -> OpaquePointer {
    guest?.fault = fault
    var text = fault.description
    // SAFETY: the text is valid for its count during the call, which copies it.
    return text.withUTF8 { bytes in
      unsafe library.functions.pointee.wasmtime_trap_new(
        UnsafeRawPointer(bytes.baseAddress!).assumingMemoryBound(to: CChar.self), bytes.count)
    }
  }
}

/// The engine's callback for every import.
///
/// It does not retain the guest while the guest is suspended: releasing the guest deletes the suspended stack.
///
/// SAFETY: `env` is the box that the linker was given; it outlives the call.
private let callHost: openstarry_host_function = { env, caller, values, _ in
  let function = unsafe Unmanaged<HostFunction>.fromOpaque(env!).takeUnretainedValue()
  var sleep: (wait: PendingCall, suspension: wasmtime_func_t)?
  let trap = unsafe function.with(caller) { (guest) throws(GuestFault) in
    if let wait = try unsafe function.call(guest, values), let suspension = unsafe guest.suspension {
      unsafe sleep = (wait, suspension)
    }
  }
  guard unsafe trap == nil, let (wait, suspension) = unsafe sleep else { return unsafe trap }
  unsafe SuspensionModule.sleep(caller, suspension, function.library)
  return unsafe function.with(caller) { (guest) throws(GuestFault) in try function.answer(guest, wait) }
}

/// The engine's callback for `SuspensionModule.question`.
///
/// SAFETY: as in `callHost`; the store's data is the link of its guest.
private let isAsleep: openstarry_host_function = { env, caller, values, _ in
  let functions = unsafe Unmanaged<LibraryBox>.fromOpaque(env!).takeUnretainedValue().library.functions
  let context = unsafe functions.pointee.wasmtime_caller_context(caller)
  let data = unsafe functions.pointee.wasmtime_context_get_data(context)!
  let guest = unsafe Unmanaged<Guest.Link>.fromOpaque(data).takeUnretainedValue().guest
  unsafe values[0].i64 = guest?.waiting == nil ? 0 : 1
  return nil
}

private final class LibraryBox {
  let library: EngineLibrary
  init(_ library: EngineLibrary) { self.library = library }
}

/// A compiled module, linked to the host and ready to be instantiated.
@safe final class PreparedModule {
  let engine: Engine
  let pre: OpaquePointer
  private let linker: HostLinker
  private let pointer: OpaquePointer

  /// Loads a compiled module. It is native code, so it must come from our compiler.
  init(_ linker: HostLinker, _ artefact: Artefact) throws(EngineError) {
    self.linker = linker
    engine = linker.engine
    let functions = engine.functions
    var module: OpaquePointer?
    var pre: OpaquePointer?
    // SAFETY: on success the pointers are ours; they are deleted in deinit.
    if let failed = unsafe functions.wasmtime_module_deserialize_file(engine.pointer, artefact.place, &module) {
      throw EngineError.unusable(engine.library.path, unsafe engine.take(error: failed))
    }
    guard let module = unsafe module else {
      throw EngineError.unusable(engine.library.path, "no module in \(artefact.path)")
    }
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
