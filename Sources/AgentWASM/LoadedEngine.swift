/// The engine with the host's functions, and the modules that are open in it. An engine is never let go of: a process
/// that makes drivers again and again shares one.
public final class LoadedEngine {
  private struct WeakModule {
    weak var module: PreparedModule?
  }

  let linker: HostLinker
  /// By the file they came from; instances keep them.
  private var modules: [String: WeakModule] = [:]

  /// Loads it.
  /// - Parameter places: where its library is looked for.
  /// - Throws: it is in none of them, or cannot be used.
  public init(in places: [String] = EngineLibrary.places()) throws(EngineError) {
    guard let path = EngineLibrary.find(in: places) else { throw EngineError.notInstalled(looked: places) }
    linker = try HostLinker(Engine(try EngineLibrary(path: path)))
  }

  /// Whether an instance of the artefact in this file runs.
  func hasOpen(_ file: String) -> Bool { modules[file]?.module != nil }

  /// The artefact in a file, which is opened unless an instance of it runs.
  func open(_ file: String) throws(EngineError) -> PreparedModule {
    if let module = modules[file]?.module { return module }
    let module = try PreparedModule(linker, file: file)
    modules = modules.filter { $0.value.module != nil }
    modules[file] = WeakModule(module: module)
    return module
  }
}
