import CWasmtime
import Glibc
import Linux

/// Compiles one module in a child process. The host program becomes the compiler if its first argument is
/// `ModuleCompiler.argument`.
package enum ModuleCompiler {
  /// The hidden argument; library, module, output file and the limit of the address space in bytes follow.
  package static let argument = "__compile-wasm"
  /// Exit codes (sysexits.h): an error of the module (EX_DATAERR), or another error (EX_SOFTWARE). The output file then
  /// contains a message instead of code.
  static let dataError: Int32 = 65
  static let softwareError: Int32 = 70

  /// The limit of the address space, in bytes: the library takes 24 MB, compiling a module of 40 KB another 16 MB.
  package static let space: UInt64 = 512 << 20
  /// The limit of CPU time, in seconds.
  static let seconds: UInt64 = 60

  /// Compiles a module if the arguments request it.
  /// - Parameter arguments: the program's arguments, including its name.
  /// - Returns: the exit code; nil if the arguments do not request a compilation.
  package static func runIfAsked(_ arguments: [String]) -> Int32? {
    guard arguments.count == 6, arguments[1] == argument, let space = UInt64(arguments[5]) else { return nil }
    let (library, module, output) = (arguments[2], arguments[3], arguments[4])
    // If memory runs out, the kernel kills this process, not the daemon (proc_pid_oom_score_adj(5)).
    if let score = try? System.open("/proc/self/oom_score_adj", O_WRONLY) {
      try? System.writeAll(score.number, Array("1000".utf8))
    }
    _ = openstarry_limit(Int32(OPENSTARRY_LIMIT_SPACE), space)
    _ = openstarry_limit(Int32(OPENSTARRY_LIMIT_CPU), seconds)
    _ = openstarry_limit(Int32(OPENSTARRY_LIMIT_FILE), 256 << 20)
    _ = openstarry_limit(Int32(OPENSTARRY_LIMIT_CORE), 0)
    var (code, contents): (Int32, [UInt8])
    do throws(EngineError) {
      let engine = Engine(try EngineLibrary(path: library))
      try SelfTest.run(engine)
      do throws(SystemError) {
        let bytes = try Files.read(module, limit: ModuleCheck.largest)
        do throws(EngineError) {
          (code, contents) = (0, try engine.compile(bytes))
        } catch {
          let why = if case .unusable(_, let why) = error { why } else { error.description }
          (code, contents) = (dataError, Array(LogText.text(why).utf8))
        }
      } catch {
        (code, contents) = (softwareError, Array(error.description.utf8))
      }
    } catch {
      (code, contents) = (softwareError, Array(error.description.utf8))
    }
    do throws(SystemError) {
      try Files.replace(output, with: contents)
    } catch {
      return 74
    }
    return code
  }
}

/// Checks that the library behaves as this program expects, since versions differ.
enum SelfTest {
  /// `(module (func (export "spin") (loop (br 0))))`
  static let spin: [UInt8] = [
    0, 0x61, 0x73, 0x6D, 1, 0, 0, 0, 1, 4, 1, 0x60, 0, 0, 3, 2, 1, 0, 7, 8, 1, 4, 0x73, 0x70, 0x69, 0x6E, 0, 0, 10, 9,
    1,
    7, 0, 3, 0x40, 0x0C, 0, 0x0B, 0x0B,
  ]

  /// Compiles an endless loop, and checks that its fuel ends it.
  static func run(_ engine: Engine) throws(EngineError) {
    let path = engine.library.path
    let code = try engine.compile(spin)
    guard let version = version(in: code) else { throw .unusable(path, "compiled code without a version") }
    guard let major = Int(version.prefix { $0 != "." }), (48...50).contains(major) else {
      throw .unusable(path, "it is version \(version); 48 to 50 is needed")
    }
    var module: OpaquePointer?
    let functions = engine.functions
    let failed = unsafe spin.withUnsafeBufferPointer {
      unsafe functions.wasmtime_module_new(engine.pointer, $0.baseAddress!, $0.count, &module)
    }
    if let failed = unsafe failed { throw .unusable(path, unsafe engine.take(error: failed)) }
    defer { unsafe functions.wasmtime_module_delete(module!) }
    let linker = unsafe functions.wasmtime_linker_new(engine.pointer)
    defer { unsafe functions.wasmtime_linker_delete(linker) }
    var pre: OpaquePointer?
    if let failed = unsafe functions.wasmtime_linker_instantiate_pre(linker, module!, &pre) {
      throw .unusable(path, unsafe engine.take(error: failed))
    }
    defer { unsafe functions.wasmtime_instance_pre_delete(pre!) }
    let store = unsafe functions.wasmtime_store_new(engine.pointer, nil, nil)
    defer { unsafe functions.wasmtime_store_delete(store) }
    let context = unsafe functions.wasmtime_store_context(store)
    _ = unsafe functions.wasmtime_context_set_fuel(context, 100_000)
    let call = UnsafeMutablePointer<openstarry_call>.allocate(capacity: 1)
    unsafe call.initialize(to: openstarry_call())
    defer { unsafe call.deallocate() }
    // SAFETY: `call` stays where it is until both futures are deleted.
    unsafe finish(
      functions.wasmtime_instance_pre_instantiate_async(
        pre!, context, &call.pointee.instance, &call.pointee.trap, &call.pointee.error), functions)
    var found = unsafe wasmtime_extern_t()
    guard unsafe functions.wasmtime_instance_export_get(context, &call.pointee.instance, "spin", 4, &found) else {
      throw .unusable(path, "an export is not found")
    }
    unsafe call.pointee.function = unsafe found.of.func
    unsafe finish(
      functions.wasmtime_func_call_async(
        context, &call.pointee.function, openstarry_call_arguments(call), 0, openstarry_call_results(call), 0,
        &call.pointee.trap, &call.pointee.error), functions)
    guard let trap = unsafe call.pointee.trap else { throw .unusable(path, "an endless loop is not stopped") }
    let end = unsafe engine.take(trap: trap)
    guard end.code == UInt8(OPENSTARRY_TRAP_FUEL) else {
      throw .unusable(path, "an endless loop is stopped with '\(LogText.text(end.text))', not for its fuel")
    }
  }

  private static func finish(_ future: OpaquePointer, _ functions: openstarry_wasmtime) {
    while unsafe !functions.wasmtime_call_future_poll(future) {}
    unsafe functions.wasmtime_call_future_delete(future)
  }

  /// The engine's major version, which compiled code contains before the target: length, `50`, length, `x86_64-…`.
  static func version(in code: [UInt8]) -> String? {
    #if arch(arm64)
      let target = Array("aarch64-".utf8)
    #else
      let target = Array("x86_64-".utf8)
    #endif
    for start in code.indices.dropFirst() where (0x30...0x39).contains(code[start]) {
      let digits = code[start...].prefix(12).prefix { (0x30...0x39).contains($0) || $0 == 0x2E }
      guard Int(code[start - 1]) == digits.count, code[digits.endIndex...].dropFirst().starts(with: target) else {
        continue
      }
      return String(decoding: digits, as: UTF8.self)
    }
    return nil
  }
}
