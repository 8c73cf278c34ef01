import Linux
import Model

/// The program of a former version that may not be the one it had. The daemon keeps manifests, and of their programs only
/// the modules that are sent to it.
enum LostProgram: Equatable {
  /// A file that was changed in place, with its path.
  case file(String)
  /// The name of an image, which may be another one by now.
  case image(String)
}

extension Manifest {
  /// The path of its program or module; nil when it is no file.
  private var programFile: String? {
    switch runtime.driver {
    case .process, .wasm: Files.join(Files.folder(of: file), runtime.entry)
    case .inProcess, .docker: nil
    }
  }

  /// A hash that changes when its program's file is written or replaced; nil without a file.
  var programHash: Int? {
    guard let path = programFile, let status = try? FileStatus(path) else { return nil }
    return [status.device, status.inode, status.size, status.modified, status.changed].hashValue
  }

  /// The program that is not back with this manifest, because a later version has the same one and may have changed it.
  /// - Parameters:
  ///   - later: the manifest of that version.
  ///   - hash: what `programHash` was at first.
  /// - Returns: nil when it is the same as before.
  func lostProgram(after later: Manifest, hash: Int?) -> LostProgram? {
    if runtime.driver == .docker {
      let name = runtime.entry
      // A name with a digest is of one image for ever.
      let isFixed = name.utf8.contains(UInt8(ascii: "@"))
      return later.runtime.driver == .docker && later.runtime.entry == name && !isFixed ? .image(name) : nil
    }
    guard let path = programFile, let other = later.programFile else { return nil }
    func resolved(_ path: String) -> String { (try? Files.resolve(path)) ?? path }
    guard resolved(path) == resolved(other), hash == nil || hash != programHash else { return nil }
    return .file(path)
  }
}
