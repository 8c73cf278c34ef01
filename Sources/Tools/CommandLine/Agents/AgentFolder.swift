import Config
import Isolations
import Linux
import Model

/// An agent's folder: the manifest, the sources and, once built, the module.
struct AgentFolder {
  /// The folder.
  let path: String
  /// The path of the manifest.
  let file: String
  /// The contents of the manifest's file.
  let text: [UInt8]
  let manifest: Manifest
  /// The warnings about the manifest.
  let warnings: [Diagnostic]

  /// Reads the manifest: `agent.json`, `agent.yaml` or `agent.yml` of a folder, or the given file.
  /// - Parameter board: the board to check the manifest's devices against; nil for no check.
  /// - Throws: `Failure` with all diagnostics, in the format of `openstarry check`.
  init(_ path: String, board: Board? = nil, environment: [String: String]) throws(Failure) {
    file = try Self.manifestFile(path)
    self.path = Files.isFolder(path) ? path : Files.folder(of: path)
    text = try CommandFile.read(file)
    if let value = try? ConfigText.parse(text, file: file).value { try CommandFile.checkManifest(value, of: file) }
    do throws(Diagnostics) {
      (manifest, warnings) = try ConfigText.manifest(
        text, file: file, environment: environment, isolations: Isolations.known, board: board)
    } catch {
      throw Failure(.failed, "\(file) cannot be used", details: error.all.map(\.description))
    }
  }

  /// Whether the agent's isolation runs a module that is built from sources.
  var isBuilt: Bool { Isolations.of(manifest.runtime.driver)?.buildsEntry ?? false }

  /// The path of the module, which may not exist yet.
  var module: String { Files.join(path, manifest.runtime.entry) }

  /// The module's sources; empty if the folder has only a module.
  var sources: [String] {
    let names = (try? Files.names(in: path)) ?? []
    return names.filter { name in [".swift", ".c", ".h"].contains { name.hasSuffix($0) } }.map { Files.join(path, $0) }
  }

  /// Whether the module is missing or older than a source; false without sources.
  var isStale: Bool {
    let sources = self.sources
    guard !sources.isEmpty else { return false }
    guard let built = Files.modified(module) else { return true }
    return sources.contains { Files.modified($0).map { $0 > built } ?? false }
  }

  /// The path of the manifest: the given file, or the manifest of the given folder.
  static func manifestFile(_ path: String) throws(Failure) -> String {
    guard Files.exists(path) else { throw Failure(.notFound, "\(path): no such file or folder") }
    guard Files.isFolder(path) else { return path }
    for name in ["agent.json", "agent.yaml", "agent.yml"] where Files.isFile(Files.join(path, name)) {
      return Files.join(path, name)
    }
    throw Failure(
      .notFound, "\(path) has no agent.json: name an agent's folder, or create one with 'openstarry agent new NAME'")
  }
}

/// Reads files that are named on the command line.
enum CommandFile {
  static func read(_ path: String) throws(Failure) -> [UInt8] {
    do throws(SystemError) { return try Files.read(path) } catch { throw unreadable(path, error) }
  }

  /// Checks that what a file says can be a manifest at all.
  static func checkManifest(_ value: Value, of path: String) throws(Failure) {
    guard value.map == nil else { return }
    throw Failure(
      .failed, "\(path.printable): this is no agent.json: expected a map with 'identity' and 'runtime'")
  }

  static func unreadable(_ path: String, _ error: SystemError) -> Failure {
    error.isMissing
      ? Failure(.notFound, "\(path.printable): no such file")
      : Failure(.failed, "\(path.printable) cannot be read: \(SystemError.text(error.errno))")
  }
}
