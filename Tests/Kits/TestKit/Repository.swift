import Linux

/// The repository with the tests.
package enum Repository {
  /// Its root: the folder of Package.swift, above this file.
  package static let root: String = {
    var folder = Files.folder(of: #filePath)
    while folder != "/", !Files.isFile("\(folder)/Package.swift") { folder = Files.folder(of: folder) }
    return folder
  }()

  /// The path of a file of the repository.
  /// - Parameter name: the path from the root, such as `docs/control.md`.
  package static func path(_ name: String) -> String { "\(root)/\(name)" }

  /// The bytes of a file of the repository.
  /// - Throws: `SystemError` when it cannot be read.
  package static func read(_ name: String) throws(SystemError) -> [UInt8] { try Files.read(path(name)) }
}
