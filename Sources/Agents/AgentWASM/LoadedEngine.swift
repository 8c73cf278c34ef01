/// The engine with the host's functions, and its open modules. An engine is never freed, so a process with several drivers
/// shares one.
package final class LoadedEngine {
  private struct WeakModule {
    weak var module: PreparedModule?
  }

  let linker: HostLinker
  /// By their file. Held weakly; instances retain them.
  private var modules: [String: WeakModule] = [:]

  /// Loads the engine.
  /// - Parameter places: the paths where its library is looked for.
  /// - Throws: if it is at none of them, or cannot be used.
  package init(in places: [String] = EngineLibrary.places()) throws(EngineError) {
    guard let path = EngineLibrary.find(in: places) else { throw EngineError.notInstalled(looked: places) }
    linker = try HostLinker(Engine(try EngineLibrary(path: path)))
  }

  /// The open module of a file; nil if no instance of it runs.
  func opened(_ file: String) -> PreparedModule? { modules[file]?.module }

  /// Opens an artefact, unless an instance of it runs.
  func open(_ artefact: Artefact) throws(EngineError) -> PreparedModule {
    if let module = opened(artefact.path) { return module }
    let module = try PreparedModule(linker, artefact)
    modules = modules.filter { $0.value.module != nil }
    modules[artefact.path] = WeakModule(module: module)
    return module
  }
}
