import Config
import Linux
import Model

/// Resolves paths on the command line to configuration files.
enum ConfigFiles {
  /// The depth to which folders are searched.
  static let depthLimit = 8

  /// The file names that a search finds, for messages.
  static let searchedNames =
    "board.yaml, agent.json, orchestration.yaml, openstarry.yaml and files that end in .board.yaml and so on"

  /// A file itself; for a folder, every file below it with the name of a configuration file (`board.yaml`,
  /// `*.agent.json`, …). Skips hidden files and folders.
  /// - Throws: `Failure` with `.notFound` for a path that does not exist, `.failed` for a folder that cannot be listed.
  static func under(_ given: String) throws(Failure) -> [String] {
    let path = plain(given)
    guard Files.isFolder(path) else {
      guard Files.exists(path) else { throw Failure(.notFound, "\(path): no such file or folder") }
      return [path]
    }
    return try search(path, depth: 0)
  }

  private static func search(_ folder: String, depth: Int) throws(Failure) -> [String] {
    var found: [String] = []
    for name in try names(in: folder) where !name.hasPrefix(".") {
      let path = folder == "." ? name : folder == "/" ? "/\(name)" : "\(folder)/\(name)"
      if Files.isFolder(path) {
        if depth < depthLimit { found += try search(path, depth: depth + 1) }
      } else if isConfig(name) {
        found.append(path)
      }
    }
    return found
  }

  /// Removes leading `./` and trailing `/`, as paths from settings have them, so that no file is checked twice.
  private static func plain(_ given: String) -> String {
    var path = given[...]
    while path.hasPrefix("./") && path.count > 2 { path = path.dropFirst(2) }
    while path.hasSuffix("/") && path.count > 1 { path = path.dropLast() }
    return String(path)
  }

  private static func isConfig(_ name: String) -> Bool {
    [".json", ".yaml", ".yml"].contains { name.hasSuffix($0) } && ConfigKind.guess(fileName: name) != nil
  }

  private static func names(in folder: String) throws(Failure) -> [String] {
    do {
      return try Files.names(in: folder)
    } catch {
      throw Failure(.failed, "\(error)")
    }
  }
}
