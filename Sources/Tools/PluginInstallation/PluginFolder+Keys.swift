import Linux
import Model
import Plugins

// The keys whose signatures are accepted.
extension PluginFolder {
  /// The trusted keys, by name, in Base64.
  /// - Throws: if the folder cannot be read.
  package func trustedKeys() throws(PluginError) -> [(name: String, key: String)] {
    do throws(SystemError) {
      if Files.exists(path) { _ = try Files.names(in: path) }
    } catch {
      throw PluginError(error)
    }
    return TrustedKeys(plugins: path).all().map { ($0.name, Base64.text($0.key)) }
  }

  /// Trusts a key from now on.
  /// - Parameter key: in Base64, or a file that contains it.
  package func trust(_ name: String, _ key: String) throws(PluginError) {
    try prepare()
    if let bytes = Base64.bytes(key), bytes.count == Signature.publicKeySize {
      return try TrustedKeys(plugins: path).add(name, bytes)
    }
    try TrustedKeys(plugins: path).add(name, try TrustedKeys.key(inFile: key))
  }

  /// Trusts a key no longer. Plugins that it has signed stay.
  /// - Returns: false if no key has this name.
  package func distrust(_ name: String) -> Bool { TrustedKeys(plugins: path).remove(name) }
}
