/// This release of the project.
public enum Release {
  /// The version in CHANGELOG.md. Daemon and command of the same version speak the same protocol.
  public static let version = "0.1.0"
}
