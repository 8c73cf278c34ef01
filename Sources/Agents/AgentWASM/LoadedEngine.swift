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

  /// The artefact of a file, where an instance of it runs.
  func opened(_ file: String) -> PreparedModule? { modules[file]?.module }

  /// An artefact, which is opened unless an instance of it runs.
  func open(_ artefact: Artefact) throws(EngineError) -> PreparedModule {
    if let module = opened(artefact.path) { return module }
    let module = try PreparedModule(linker, artefact)
    modules = modules.filter { $0.value.module != nil }
    modules[artefact.path] = WeakModule(module: module)
    return module
  }
}
