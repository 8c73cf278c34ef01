/// Which release this is.
public enum Release {
  /// As in CHANGELOG.md. The daemon and the command of the same release speak the same protocol.
  public static let version = "0.1.0"
}
