import Linux
import Model

/// The daemon's home folder, `home:` in the settings.
package enum HomeFolder {
  /// Why nothing can be kept in a home; nil when it is a folder, or missing, and then the daemon makes it.
  package static func obstacle(_ path: String) -> String? {
    if Files.isFolder(path) { return nil }
    if Files.exists(path) {
      return "'home': \(path) is not a folder, so nothing can be kept: name another, or move it away"
    }
    guard let target = Files.target(ofLink: path) else { return nil }
    return "'home': \(path) is a symbolic link to \(target), which does not exist, so nothing can be kept: make that "
      + "folder, or remove the link"
  }

  /// Who else can write to a home, which belongs to the daemon's user; nil for nobody, and when that is unknown.
  package static func doubt(_ path: String) -> String? {
    do throws(TrustError) {
      try TrustedFolder.judge(path)
      return nil
    } catch {
      return doubt(error)
    }
  }

  /// The sentence about a home that is not trusted; nil for errors that other parts report.
  package static func doubt(_ error: TrustError) -> String? {
    error.remedy.map {
      "'home': \(error): write access there decides which agents run, and what they may do; \($0)"
    }
  }
}
