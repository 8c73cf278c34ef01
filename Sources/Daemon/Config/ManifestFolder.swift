import Linux
import Model

/// The manifests that an entry of `agents:` names, the same for the daemon and for `openstarry check`.
package enum ManifestFolder {
  /// Finds the manifests at a path: a file itself, or a folder's `*/agent.json` and `*.agent.json`, readable or not.
  /// - Returns: the files in the order of their names, and a warning for each sub-folder without `agent.json`. Hidden
  ///   sub-folders need none.
  /// - Throws: a sentence, when there is no such folder or it cannot be listed.
  package static func manifests(
    _ path: String
  ) throws(Diagnostics) -> (files: [String], warnings: [Diagnostic]) {
    guard Files.isFolder(path) else {
      let isMissing = !Files.hasEntry(path) && !path.hasSuffix(".json") && !path.hasSuffix(".yaml")
      if isMissing { throw Diagnostics([Diagnostic(Location(file: path), "there is no such folder")]) }
      return ([path], [])
    }
    var files: [String] = []
    var warnings: [Diagnostic] = []
    do throws(SystemError) {
      for name in try Files.names(in: path) {
        let entry = "\(path)/\(name)"
        if name.hasSuffix(".agent.json") {
          files.append(entry)
        } else if Files.isFolder(entry) {
          if Files.hasEntry("\(entry)/agent.json") {
            files.append("\(entry)/agent.json")
          } else if !name.hasPrefix(".") {
            warnings.append(Diagnostic(Location(file: entry), missing(in: entry), severity: .warning))
          }
        } else if !Files.exists(entry) {
          warnings.append(Diagnostic(Location(file: entry), "this link leads nowhere", severity: .warning))
        }
      }
    } catch {
      throw Diagnostics([Diagnostic(Location(file: path), "cannot be read: \(SystemError.text(error.errno))")])
    }
    return (files, warnings)
  }

  /// Why a sub-folder has no manifest.
  private static func missing(in folder: String) -> String {
    do throws(SystemError) {
      let similar = try Files.names(in: folder).first { $0.lowercased() == "agent.json" }
      return "this folder has no 'agent.json'" + (similar.map { ", but '\($0)': rename it" } ?? "")
    } catch {
      return "cannot be read: \(SystemError.text(error.errno))"
    }
  }
}
