/// This release of the project.
package enum Release {
  /// The version in CHANGELOG.md. Daemon and command of the same version speak the same protocol.
  package static let version = "0.1.0"
}
