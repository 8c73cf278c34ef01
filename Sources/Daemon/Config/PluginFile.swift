import Document
import Model
import Plugins

/// `plugin.json`: a plugin's name, version and integrity. The page `docs/plugins.md` describes it.
package enum PluginFile {
  /// Reads a plugin's manifest. Upstream's manifests are accepted, too.
  /// - Parameter file: the file's path, for messages; JSON if it ends in `.json`.
  /// - Returns: the manifest, and warnings.
  /// - Throws: all errors and warnings.
  package static func decode(
    _ bytes: [UInt8], file: String
  ) throws(Diagnostics) -> (manifest: PluginManifest, warnings: [Diagnostic]) {
    let findings = Findings()
    let node = try ConfigText.parse(bytes, file: file)
    guard let fields = FieldReader(node, what: "the plugin's manifest", findings: findings) else {
      return try findings.finish(nil)
    }
    return try findings.finish(read(fields))
  }

  private static func read(_ fields: FieldReader) -> PluginManifest? {
    let name = fields.required("name", name)
    let version = fields.required("version", version)
    var manifest = PluginManifest(name: name ?? "", version: version ?? PluginVersion(0, 0, 0))
    manifest.summary = fields.optional("description", .anyText)
    manifest.integrity = fields.optional("integrity", integrity)
    manifest.services = fields.value("services", .list(of: .text), [])
    manifest.dependencies = fields.value("dependencies", .list(of: .plugin), [])
    manifest.criticality = fields.value("criticality", .choice(of: PluginManifest.Criticality.self), .required)
    fields.accept("capabilities")
    fields.close(as: .warning)
    return name == nil || version == nil ? nil : manifest
  }

  private static var name: Shape<String> {
    Shape("a name such as tables or @scope/tables", .text(least: 1)) { node in
      guard case .string(let text) = node.content, PluginReference.isName(text) else { return nil }
      return text
    }
  }

  private static var version: Shape<PluginVersion> {
    Shape("a version in quotes such as '1.2.0'", .text(least: 1)) { node in
      guard case .string(let text) = node.content else { return nil }
      return PluginVersion(text)
    }
  }

  private static var integrity: Shape<PluginManifest.Integrity> {
    let expected = "a SHA-512 in hexadecimal digits, or a map with 'algorithm', 'signature' and 'publicKey'"
    return Shape(expected: expected, .any) { node, subject, findings in
      if case .string(let text) = node.content, let digest = hexadecimal(text), digest.count == 64 {
        return .sha512(digest)
      }
      guard case .map = node.content, let fields = FieldReader(node, what: subject, findings: findings) else {
        findings.error(node.location, "\(subject) is \(Wording.shown(node)), expected \(expected)")
        return nil
      }
      let hash = fields.required("algorithm", .choice(of: PluginManifest.Hash.self))
      let signature = fields.required("signature", bytes(64))
      let key = fields.required("publicKey", bytes(32))
      fields.close()
      guard let hash, let signature, let key else { return nil }
      return .ed25519(signature, key: key, of: hash)
    }
  }

  private static func bytes(_ count: Int) -> Shape<[UInt8]> {
    Shape("\(count) bytes in Base64 or in hexadecimal digits", .text(least: 1)) { node in
      guard case .string(let text) = node.content, let bytes = hexadecimal(text) ?? Base64.bytes(text),
        bytes.count == count
      else { return nil }
      return bytes
    }
  }

  private static func hexadecimal(_ text: String) -> [UInt8]? {
    let digits = text.utf8.compactMap { Character(UnicodeScalar($0)).hexDigitValue }
    guard digits.count == text.utf8.count, digits.count % 2 == 0, !digits.isEmpty else { return nil }
    return stride(from: 0, to: digits.count, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
  }
}

extension Shape where Wanted == PluginReference {
  /// `tables`, `tables@1`, `@scope/tables@^1.2.0`.
  static var plugin: Shape {
    Shape("a plugin such as tables@1, tables@^1.2.0 or @scope/tables", .text(Schema.plugin)) { node in
      guard case .string(let text) = node.content else { return nil }
      return PluginReference(text)
    }
  }
}
