import Glibc
import Linux
import Model

/// Creates the folder of a new agent atomically.
enum NewAgent {
  /// Writes the files to a temporary folder, and renames it when it is complete.
  /// - Parameter parent: the folder in which the new folder is created.
  /// - Returns: the new folder, and the names of its files.
  static func make(_ template: AgentTemplate, in parent: String) throws(Failure) -> (folder: String, files: [String]) {
    let folder = Files.join(parent, template.id.rawValue)
    guard !Files.exists(folder) else {
      throw Failure(.failed, "\(folder) already exists: choose another name, or remove it")
    }
    let unfinished = Files.join(parent, ".\(template.id).new-\(getpid())")
    let files = template.files
    do throws(SystemError) {
      try Files.makeFolder(unfinished, mode: 0o755)
      for file in files {
        try Files.replace("\(unfinished)/\(file.name)", with: Array(file.text.utf8), mode: file.mode)
      }
      try Files.move(unfinished, to: folder)
    } catch {
      for file in files { Files.remove("\(unfinished)/\(file.name)") }
      Files.removeFolder(unfinished)
      throw Failure(.failed, "\(folder) cannot be created: \(error)")
    }
    return (folder, files.map(\.name))
  }
}
