import Document
import Linux
import Model

// Keys of language models: what the program that reads them would say of their files, as far as check sees them.
extension ConfigCheck {
  /// The folder of keys, from which the service has them.
  private static let keyFolder = "/etc/openstarry/keys"

  /// What is wrong with the files of keys; warnings, because they are the board's, and this may be another machine.
  /// - Parameters:
  ///   - document: the settings' file.
  ///   - folder: where keys are that are only named.
  static func complaints(
    aboutKeysOf models: [ModelSettings], _ document: Node?, file: String, folder: String = keyFolder
  ) -> [Diagnostic] {
    models.compactMap { model in
      guard !model.key.isEmpty, let problem = complaint(aboutKey: model.key, folder) else { return nil }
      return Diagnostic(
        place(ofKeyOf: model.name, document) ?? Location(file: file), "'key': \(problem)", severity: .warning)
    }
  }

  private static func place(ofKeyOf model: String, _ document: Node?) -> Location? {
    guard case .list(let models)? = document?["models"]?.content else { return nil }
    return models.first { $0["name"]?.value.string?.isSame(as: model) == true }?["key"]?.location
  }

  private static func complaint(aboutKey key: String, _ folder: String) -> String? {
    let isName = !key.utf8.contains(UInt8(ascii: "/"))
    let path = isName ? Files.join(folder, key) : key
    let shown = path.printable
    let status: FileStatus
    do throws(SystemError) { status = try FileStatus(ofLink: path) } catch {
      // The folder of keys is closed to others.
      guard error.isMissing else { return nil }
      return "there is no \(shown), and without the key no call is made: put the key there"
    }
    // A key by its name is handed over by systemd, which follows links.
    if isName { return status.kind == .folder ? "\(shown) is a folder, expected a file with the key in it" : nil }
    if status.kind != .regular { return "\(shown) is no regular file, and is not read: name the file itself" }
    if status.mode & 0o077 != 0 {
      return "others than its owner may use \(shown), and so it is not read: expected a file with nothing but the key "
        + "in it, and the mode 0600, or the name of a file in \(keyFolder)"
    }
    return status.size == 0 ? "\(shown) is empty: write the key into it" : nil
  }
}
