import CWasmtime
import Glibc
import Linux

/// wasmtime's library and its functions. It stays loaded until the process ends.
@safe package struct EngineLibrary {
  /// The path of the library.
  package let path: String
  /// Identifies the file beside its path: size and time of the last change.
  let identity: String
  let functions: UnsafePointer<openstarry_wasmtime>

  /// The environment variable that overrides the usual places.
  package static let variable = "OPENSTARRY_WASMTIME"
  /// The version that `.ci/wasmtime` installs.
  package static let version = "50.0.1"

  /// The paths where the library is looked for: only the variable's value if it is set, else the package's path, then that of
  /// `.ci/wasmtime`.
  package static func places(_ environment: [String: String] = Environment.current()) -> [String] {
    if let named = environment[variable], !named.isEmpty { return [named] }
    var places = ["/usr/lib/openstarry/libwasmtime.so"]
    let cache = environment["XDG_CACHE_HOME"] ?? environment["HOME"].map { "\($0)/.cache" }
    if let cache { places.append("\(cache)/openstarry/wasmtime/\(version)/libwasmtime.so") }
    return places
  }

  /// The first of `places` that is a file; nil if none is.
  package static func find(in places: [String] = places()) -> String? { places.first { Files.isFile($0) } }

  /// Loads a library (dlopen(3)) and looks up its functions.
  /// - Throws: if it is missing, not a library, or lacks a function.
  package init(path: String) throws(EngineError) {
    var status = stat()
    // SAFETY: stat(2) fills in the local structure.
    guard unsafe path.withCString({ unsafe stat($0, &status) }) == 0 else {
      throw EngineError.notInstalled(looked: [path])
    }
    // SAFETY: dlopen and dlerror return null or a pointer that stays valid; the library is never closed.
    guard let library = unsafe dlopen(path, RTLD_NOW | RTLD_LOCAL) else {
      throw EngineError.unusable(path, unsafe dlerror().map { unsafe String(cString: $0) } ?? "cannot be loaded")
    }
    var missing: UnsafePointer<CChar>?
    // SAFETY: the library is open; `missing` is set to a literal if null is returned.
    guard let functions = unsafe openstarry_wasmtime_look_up(library, &missing) else {
      let name = unsafe missing.map { unsafe String(cString: $0) } ?? "?"
      throw EngineError.unusable(path, "it has no function \(name); wasmtime 48 to 50 is needed")
    }
    self.path = path
    identity = "\(status.st_size).\(status.st_mtim.tv_sec).\(status.st_mtim.tv_nsec)"
    unsafe self.functions = unsafe functions
  }
}

/// The engine cannot be used.
package enum EngineError: Error, Sendable, Hashable, CustomStringConvertible {
  /// The library is in none of these places.
  case notInstalled(looked: [String])
  /// The library at this path does not work, and the cause.
  case unusable(String, String)

  package var description: String {
    switch self {
    case .notInstalled(let looked):
      "the WASM engine is not installed (looked for \(looked.joined(separator: ", "))); install the package "
        + "openstarryd-wasm, or run .ci/wasmtime in the source folder, or name the library in "
        + "\(EngineLibrary.variable)"
    case .unusable(let path, let why): "the WASM engine \(path) cannot be used: \(why)"
    }
  }
}
