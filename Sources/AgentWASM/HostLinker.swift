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
          let place = unsafe UnsafeRawPointer(module.baseAddress!).assumingMemoryBound(to: CChar.self)
          let key = unsafe UnsafeRawPointer(name.baseAddress!).assumingMemoryBound(to: CChar.self)
          return switch entry.body {
          case .now:
            unsafe functions.wasmtime_linker_define_func_unchecked(
              pointer, place, module.count, key, name.count, type, callHost, box, nil)
          case .later:
            unsafe functions.wasmtime_linker_define_async_func(
              pointer, place, module.count, key, name.count, type, callHostLater, box, nil)
          }
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

  func call(_ guest: Guest, _ values: UnsafeMutablePointer<wasmtime_val_raw_t>) throws(GuestFault) {
    guard case .now(let body) = entry.body else { throw .notReady }
    let start = try guest.enter()
    defer { guest.leave(since: start) }
    // SAFETY: the engine gives one value of room for a result; the signature says which half counts.
    if let result = try body(guest, unsafe CallArguments(values: values)) {
      unsafe values[0].i64 = entry.signature.results == [UInt8(ascii: "i")] ? result & 0xFFFF_FFFF : result
    }
  }

  func begin(_ guest: Guest, _ values: UnsafeMutablePointer<wasmtime_val_raw_t>) throws(GuestFault) -> HostWait {
    guard case .later(let body) = entry.body else { throw .notReady }
    let start = try guest.enter()
    defer { guest.leave(since: start) }
    return try body(guest, unsafe CallArguments(values: values))
  }

  /// Does `work` with the guest of a store.
  /// - Returns: the trap that ends the guest's call; nil when it goes on.
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

  /// A trap that says what is wrong.
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

/// What the engine calls for every import that answers at once.
///
/// SAFETY: `env` is the box that the linker was given; it outlives the call.
private let callHost: openstarry_host_function = { env, caller, values, _ in
  let function = unsafe Unmanaged<HostFunction>.fromOpaque(env!).takeUnretainedValue()
  return unsafe function.with(caller) { (guest) throws(GuestFault) in try unsafe function.call(guest, values) }
}

/// What the engine calls for an import that is answered later; it then polls the continuation, on the guest's stack.
///
/// SAFETY: as in `callHost`; the engine keeps the room for the trap until the continuation has said that it is done.
private let callHostLater: openstarry_async_host_function = { env, caller, arguments, count, _, _, trap, continuation in
  let function = unsafe Unmanaged<HostFunction>.fromOpaque(env!).takeUnretainedValue()
  var values: [wasmtime_val_raw_t] = []
  for index in 0..<count {
    var value = wasmtime_val_raw_t()
    unsafe value.i64 = unsafe arguments![index].of.i64
    values.append(value)
  }
  var sleeper: Sleeper?
  unsafe trap.pointee = unsafe function.with(caller) { (guest) throws(GuestFault) in
    var begun: Result<HostWait, GuestFault> = .failure(.notReady)
    unsafe values.withUnsafeMutableBufferPointer { values in
      do throws(GuestFault) { begun = .success(try unsafe function.begin(guest, values.baseAddress!)) } catch {
        begun = .failure(error)
      }
    }
    sleeper = unsafe Sleeper(function, guest, try begun.get(), trap)
  }
  unsafe continuation.pointee.env = unsafe sleeper.map { unsafe Unmanaged.passRetained($0).toOpaque() }
  unsafe continuation.pointee.finalizer = { env in
    if let env = unsafe env { unsafe Unmanaged<Sleeper>.fromOpaque(env).release() }
  }
  unsafe continuation.pointee.callback = { env in
    guard let env = unsafe env else { return true }
    return unsafe Unmanaged<Sleeper>.fromOpaque(env).takeUnretainedValue().poll()
  }
}

/// A guest's call that is answered later, as the engine keeps it.
@safe private final class Sleeper {
  private let function: HostFunction
  private weak var guest: Guest?
  private let wait: HostWait
  private let trap: UnsafeMutablePointer<OpaquePointer?>

  init(_ function: HostFunction, _ guest: Guest, _ wait: HostWait, _ trap: UnsafeMutablePointer<OpaquePointer?>) {
    self.function = function
    self.guest = guest
    self.wait = wait
    unsafe self.trap = unsafe trap
  }

  /// Hands the answer over when it is there.
  /// - Returns: whether it was.
  func poll() -> Bool {
    guard let answer = wait.answer else { return false }
    guard let guest else { return true }
    do throws(GuestFault) {
      try guest.write(answer, at: wait.place)
    } catch {
      unsafe trap.pointee = unsafe function.trap(error, guest)
    }
    return true
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
