import Glibc
import Linux
import Testing

@testable import AgentWASM

/// The tools that the tests need, and the reason for skipping where one is missing.
enum Workshop {
  static let engine: String? = EngineLibrary.find()
  static let clang: String? = program("clang")
  private static let linker: String? = program("wasm-ld")

  /// Why guests cannot be built and run here, printed once; nil when they can.
  static let missing: String? = {
    let why: String? =
      engine == nil
      ? "no WASM engine in \(EngineLibrary.places().joined(separator: ", ")): run .ci/wasmtime"
      : clang == nil || linker == nil ? "no clang with wasm-ld on PATH to build guests" : nil
    if let why { print("skipped: \(why)") }
    return why
  }()
  static let isReady = missing == nil

  /// The path of `wasm-compiler`, which is built with the tests.
  static let compiler: String = {
    var maps = (try? Files.read("/proc/self/maps")) ?? []
    maps.append(10)
    // The tests are a library within the test program, or the program itself.
    for line in String(decoding: maps, as: UTF8.self).split(separator: "\n") where line.contains("xctest") {
      if let slash = line.firstIndex(of: "/") {
        let path = Files.join(Files.folder(of: String(line[slash...])), "wasm-compiler")
        if Files.isFile(path) { return path }
      }
    }
    return "wasm-compiler"
  }()

  private static func program(_ name: String) -> String? {
    (Environment.current()["PATH"] ?? "").split(separator: ":").map { "\($0)/\(name)" }.first { Files.isFile($0) }
  }

  /// Builds a guest from C: `guestCommon` and `source`.
  static func build(_ source: String, in folder: String, memory: Int = 131_072, common: Bool = true) throws -> [UInt8] {
    let (input, output) = ("\(folder)/guest.c", "\(folder)/guest.out.wasm")
    let text = (source.contains("cabi_realloc") ? "#define OWN_REALLOC\n" : "") + (common ? guestCommon : "") + source
    try Files.replace(input, with: Array(text.utf8))
    Files.remove(output)
    let child = try Spawn.start(
      clang!,
      [
        "clang", "--target=wasm32-unknown-unknown", "-Oz", "-mbulk-memory", "-ffreestanding", "-fno-builtin",
        "-nostdlib",
        "-Wl,--no-entry,-z,stack-size=16384,--stack-first,--initial-memory=\(memory)", "-o", output, input,
      ])
    #expect(try Spawn.wait(for: child) == 0, "clang did not build the guest")
    return try Files.read(output)
  }
}

/// The common part of guests in C: declarations, an allocator that never frees, strings.
let guestCommon = """
  typedef unsigned int u32; typedef unsigned long long u64; typedef unsigned char u8;
  #define IMPORT(module, function) __attribute__((import_module(module), import_name(function)))
  #define EXPORT(function) __attribute__((export_name(function)))
  #define HANDLE EXPORT("openstarry:agent/handler@0.1.0#handle")
  #define START EXPORT("openstarry:agent/handler@0.1.0#start")
  #define SNAPSHOT EXPORT("openstarry:agent/handler@0.1.0#snapshot")
  IMPORT("openstarry:hal/sensors@0.1.0", "read") void sensor_read(u32, u32, u32);
  IMPORT("openstarry:hal/actuators@0.1.0", "control") void control(u32, u32, u32, u32, u64, u32);
  IMPORT("openstarry:hal/cameras@0.1.0", "snapshot") void camera(u32, u32, u32);
  IMPORT("openstarry:hal/cameras@0.1.0", "frame") void frame(u32, u32, u32, u32, u32);
  IMPORT("openstarry:agent/model@0.1.0", "complete") void complete(u32, u32, u32, u32, u32, u32);
  IMPORT("openstarry:agent/events@0.1.0", "emit") void emit(u32, u32, u32, u32, u32);
  IMPORT("openstarry:agent/log@0.1.0", "write") void log_write(u32, u32, u32);
  IMPORT("openstarry:agent/state@0.1.0", "get") void state_get(u32, u32, u32);
  IMPORT("openstarry:agent/state@0.1.0", "set") void state_set(u32, u32, u32, u32, u32);
  IMPORT("openstarry:agent/state@0.1.0", "remove") void state_remove(u32, u32, u32);
  IMPORT("openstarry:agent/clock@0.1.0", "monotonic-now") u64 now(void);
  IMPORT("wasi_snapshot_preview1", "fd_write") u32 fd_write(u32, u32, u32, u32);
  IMPORT("wasi_snapshot_preview1", "random_get") u32 random_get(u32, u32);
  IMPORT("wasi_snapshot_preview1", "proc_exit") void proc_exit(u32);
  #define P(x) ((u32)(x))
  #define LIT(x) P(x), sizeof(x) - 1
  static u8 heap[49152]; static u32 top;
  #ifndef OWN_REALLOC
  EXPORT("cabi_realloc") u32 cabi_realloc(u32 old, u32 size, u32 align, u32 count) {
    top = (top + 7) & ~7u;
    if (count > sizeof heap) __builtin_trap();
    if (top + count > sizeof heap) top = 0;
    u32 place = P(heap + top); top += count; return place;
  }
  #endif
  static struct { u32 tag, pointer, length, rest; } area;
  static struct { u32 tag, pointer, length; } result;
  static u32 ok(void) { result.tag = 0; return P(&result); }
  static u32 fail(const char *text, u32 length) {
    result.tag = 1; result.pointer = P(text); result.length = length; return P(&result);
  }

  """
