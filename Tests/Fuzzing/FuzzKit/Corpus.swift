import Linux
import TestKit

/// The stored inputs in the repository, one file each, in one folder per target: inputs that have failed once, and
/// inputs with high coverage.
package enum Corpus {
  /// The folder of the corpus.
  package static var folder: String { Repository.path("Tests/Fuzzing/Fuzz/Corpus") }

  /// Reads a target's inputs, sorted by file name.
  /// - Parameter folder: contains a folder for each target.
  /// - Throws: the first file that cannot be read or parsed.
  package static func read(_ target: any FuzzTarget, in folder: String = Corpus.folder) throws -> [(
    file: String, input: [UInt8]
  )] {
    let own = "\(folder)/\(target.name)"
    guard Files.isFolder(own) else { return [] }
    return try Files.names(in: own).sorted().map { name in
      try (name, target.form.input(of: Files.read("\(own)/\(name)")))
    }
  }

  /// Writes an input into a folder; its hash is the file's name.
  /// - Returns: the file's path.
  @discardableResult
  package static func write(_ input: [UInt8], of target: any FuzzTarget, in folder: String) throws -> String {
    let own = "\(folder)/\(target.name)"
    try Files.makeFolder(own)
    let hash = input.reduce(0xCBF2_9CE4_8422_2325) { (hash: UInt64, byte) in
      (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3
    }
    let path = "\(own)/\(String(hash, radix: 16)).\(target.form.suffix)"
    try Files.replace(path, with: target.form.file(of: input), mode: 0o644)
    return path
  }
}
