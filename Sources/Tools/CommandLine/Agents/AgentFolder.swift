import Config
import Isolations
import Linux
import Model

/// A folder with an agent in it: its manifest, its sources and, once it is built, its module.
struct AgentFolder {
  /// As it was named on the command line.
  let path: String
  /// The manifest's file, and what it says.
  let file: String
  let text: [UInt8]
  let manifest: Manifest
  /// What people should know of the manifest, though it can be used.
  let warnings: [Diagnostic]

  /// Reads the manifest: `agent.json` or `agent.yaml` of a folder, or the file that is named.
  /// - Parameter board: what the manifest's devices are held against.
  /// - Throws: `Failure` with every finding, as `openstarry check` prints them.
  init(_ path: String, board: Board? = nil, environment: [String: String]) throws(Failure) {
    file = try Self.manifestFile(path)
    self.path = Files.isFolder(path) ? path : Files.folder(of: path)
    text = try CommandFile.read(file)
    do throws(Diagnostics) {
      (manifest, warnings) = try ConfigText.manifest(
        text, file: file, environment: environment, isolations: Isolations.known, board: board)
    } catch {
      throw Failure(.failed, "\(file) cannot be used", details: error.all.map(\.description))
    }
  }

  /// Whether its isolation runs a module that is built from sources.
  var isBuilt: Bool { Isolations.of(manifest.runtime.driver)?.buildsEntry ?? false }

  /// Where the module is, or will be.
  var module: String { Files.join(path, manifest.runtime.entry) }

  /// The sources that it is built from; empty where there is only a module.
  var sources: [String] {
    let names = (try? Files.names(in: path)) ?? []
    return names.filter { name in [".swift", ".c", ".h"].contains { name.hasSuffix($0) } }.map { Files.join(path, $0) }
  }

  /// Whether the module is missing or older than one of its sources; false where there is nothing to build it from.
  var isStale: Bool {
    let sources = self.sources
    guard !sources.isEmpty else { return false }
    guard let built = Files.modified(module) else { return true }
    return sources.contains { Files.modified($0).map { $0 > built } ?? false }
  }

  /// The manifest that a path on the command line stands for: the file itself, or that of a folder.
  static func manifestFile(_ path: String) throws(Failure) -> String {
    guard Files.exists(path) else { throw Failure(.notFound, "\(path): no such file or folder") }
    guard Files.isFolder(path) else { return path }
    for name in ["agent.json", "agent.yaml", "agent.yml"] where Files.isFile(Files.join(path, name)) {
      return Files.join(path, name)
    }
    throw Failure(
      .notFound, "\(path) has no agent.json: name an agent's folder, or make one with 'openstarry agent new NAME'")
  }
}

/// Files that a command is given.
enum CommandFile {
  static func read(_ path: String) throws(Failure) -> [UInt8] {
    do throws(SystemError) { return try Files.read(path) } catch { throw unreadable(path, error) }
  }

  static func unreadable(_ path: String, _ error: SystemError) -> Failure {
    error.isMissing
      ? Failure(.notFound, "\(path.printable): no such file")
      : Failure(.failed, "\(path.printable) cannot be read: \(SystemError.text(error.errno))")
  }
}
