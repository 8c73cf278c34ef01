import Model

/// A plugin's own description, `plugin.json`.
package struct PluginManifest: Sendable, Hashable {
  /// What a missing dependency means for the plugin.
  package enum Criticality: String, Sendable, Hashable, CaseIterable {
    /// It does not work without it.
    case required
    /// It does less without it.
    case optionalDegraded = "optional-degraded"
    /// It works as well without it.
    case optionalNoEffect = "optional-no-effect"
  }

  /// The hash that is signed.
  package enum Hash: String, Sendable, Hashable, CaseIterable {
    /// What `openstarry plugin sign` signs.
    case sha512 = "ed25519-sha512"
    /// Upstream's form.
    case sha256 = "ed25519-sha256"
  }

  /// The SHA-512 or the signature that the manifest itself states for the plugin's content.
  package enum Integrity: Sendable, Hashable {
    /// The digest in bytes.
    case sha512([UInt8])
    /// A signature by ed25519 (RFC 8032), of 64 bytes, of this hash of the content, and its public key, of 32 bytes.
    case ed25519([UInt8], key: [UInt8], of: Hash)
  }

  /// The name, with its scope.
  package var name: String
  /// The version.
  package var version: PluginVersion
  /// One line for people; nil for none.
  package var summary: String?
  /// The stated digest or signature; nil for none.
  package var integrity: Integrity?
  /// The services that it offers, for `plugin info`.
  package var services: [String]
  /// Other plugins that it needs.
  package var dependencies: [PluginReference]
  /// What a missing dependency means.
  package var criticality: Criticality

  /// The file's name in a plugin's folder.
  package static let fileName = "plugin.json"

  /// A manifest without dependencies.
  package init(name: String, version: PluginVersion) {
    (self.name, self.version) = (name, version)
    (services, dependencies, criticality) = ([], [], .required)
  }

  /// `tables@1.2.0`: the name of its folder.
  package var folder: String { "\(name)@\(version)" }
}
