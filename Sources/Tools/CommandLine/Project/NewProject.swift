import Glibc
import Linux
import Model

/// Writes the files of a new project into a folder, all or none.
enum NewProject {
  /// Writes the files. The folder is made if it does not exist; files that are there already stay as they are.
  /// - Throws: one of the files exists, which is named, or one cannot be written. Nothing is left behind then.
  static func make(_ template: ProjectTemplate, in folder: String) throws(Failure) {
    if Files.exists(folder), !Files.isFolder(folder) { throw Failure(.failed, "\(folder) is not a folder") }
    for file in template.files where Files.hasEntry("\(folder)/\(file.name)") {
      throw Failure(.failed, "\(folder)/\(file.name) already exists, so nothing was written: choose another folder")
    }
    var written: [String] = []
    var folders: [String] = []
    do throws(SystemError) {
      for file in template.files {
        let path = "\(folder)/\(file.name)"
        for missing in Self.missingFolders(above: path) {
          try Files.makeFolder(missing, mode: 0o755)
          folders.append(missing)
        }
        try Files.replace(path, with: Array(file.text.utf8), mode: file.mode)
        written.append(path)
      }
    } catch {
      for path in written { Files.remove(path) }
      for path in folders.reversed() { Files.removeFolder(path) }
      throw Failure(.failed, "\(folder) cannot be made: \(error)")
    }
  }

  /// The folders above a path that do not exist, the outermost first.
  private static func missingFolders(above path: String) -> [String] {
    var missing: [String] = []
    var folder = Files.folder(of: path)
    while folder != "/", folder != ".", !Files.exists(folder) {
      missing.insert(folder, at: 0)
      folder = Files.folder(of: folder)
    }
    return missing
  }
}
