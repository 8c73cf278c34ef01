import Linux
import Model
import Plugins
import TestKit
import Testing

@testable import PluginInstallation

@Suite struct SignatureTests {
  private let bench: Workbench
  private var secret: String { "\(bench.place.path)/ada" }

  init() throws { bench = try Workbench() }

  /// RFC 8032, section 7.1, tests 1 and 2.
  @Test(arguments: [
    (
      "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60", "",
      "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
      "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
    ),
    (
      "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb", "72",
      "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
      "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
    ),
  ])
  func ed25519(_ seed: String, _ message: String, _ key: String, _ signature: String) {
    _ = bench.folder()
    func bytes(_ hex: String) -> [UInt8] {
      let digits = hex.map { UInt8($0.hexDigitValue ?? 0) }
      return stride(from: 0, to: digits.count, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
    }
    let made = Signature.sign(bytes(message), seed: bytes(seed))
    #expect(Hex.text(made.signature) == signature && Hex.text(made.publicKey) == key)
    #expect(Signature.isValid(bytes(signature), of: bytes(message), by: bytes(key)))
    #expect(!Signature.isValid(bytes(signature), of: bytes(message) + [0], by: bytes(key)))
    #expect(!Signature.isValid(bytes(signature).dropLast(), of: bytes(message), by: bytes(key)))
  }

  @Test func signedPluginIsInstalledOnceItsKeyIsTrusted() throws {
    let source = try bench.source(files: ["a": "1"])
    let key = try Signing.makeKeys(secret)
    _ = try Signing.sign(source, with: secret)
    let refusal = try #require(bench.refusal(source, unsigned: false))
    #expect(refusal.contains("signed by a key that is not trusted, \(key)") && refusal.contains("plugin trust NAME"))
    try bench.folder().trust("ada", "\(secret).pub")
    #expect(try bench.install(source, unsigned: false).signer == "ada")
    #expect(try bench.folder().list()[0].entry?.signer == "ada")
    #expect(bench.folder().distrust("ada") && !bench.folder().distrust("ada"))
    #expect(try bench.folder().list().count == 1)
  }

  @Test func anyChangeAfterSigningIsFound() throws {
    _ = try Signing.makeKeys(secret)
    try bench.folder().trust("ada", "\(secret).pub")
    let changes: [(String, (String) throws -> Void)] = [
      ("a file", { try Files.replace("\($0)/a", with: Array("2".utf8)) }),
      ("a new file", { try Files.replace("\($0)/b", with: []) }), ("a missing file", { Files.remove("\($0)/a") }),
      ("an executable file", { Files.setMode("\($0)/a", 0o755) }),
      (
        "the version",
        { folder in
          let text = String(decoding: try Files.read("\(folder)/plugin.json"), as: UTF8.self)
          try Files.replace("\(folder)/plugin.json", with: Array(text.replacing("1.0.0", with: "9.0.0").utf8))
        }
      ),
    ]
    for (name, change) in changes {
      let source = try bench.source(files: ["a": "1"])
      _ = try Signing.sign(source, with: secret)
      try change(source)
      #expect(bench.refusal(source)?.contains("the signature of tables@") == true, "\(name)")
      Tree.remove(source)
    }
  }

  /// An author signs a checkout, and packs it as it is.
  @Test func hiddenEntriesAtTheTopAreNeitherSignedNorInstalled() throws {
    let source = try bench.source(files: ["a": "1", ".git/HEAD": "x"])
    _ = try Signing.makeKeys(secret)
    try bench.folder().trust("ada", "\(secret).pub")
    _ = try Signing.sign(source, with: secret)
    let archive = try bench.archive("a.tgz", "archive.add('\(source)', 'tables')")
    #expect(try bench.install(archive, unsigned: false).signer == "ada")
    #expect(try Files.names(in: "\(bench.plugins)/tables@1.0.0") == ["a", "plugin.json"])
    #expect(try bench.install(source, unsigned: false).wasThere)
  }

  @Test func upstreamsFormOfASignatureIsUnderstood() throws {
    let source = try bench.source(files: ["a": "1"])
    _ = try Signing.makeKeys(secret)
    try bench.folder().trust("ada", "\(secret).pub")
    let seed = try KeyFile.read(secret, KeyFile.secretLabel, "a key")
    let signed = Signature.sign(Digest.sha256(try Digest(of: source).listing), seed: seed)
    let integrity =
      #"{"algorithm": "ed25519-sha256", "signature": "\#(Hex.text(signed.signature))", "publicKey": "\#(Hex.text(signed.publicKey))"}"#
    #expect(
      try bench.install(try bench.source(extra: ", \"integrity\": \(integrity)", files: ["a": "1"]), unsigned: false)
        .signer == "ada")
  }

  @Test func manifestMayBeFormattedAnew() throws {
    let source = try bench.source(extra: #", "services": ["b", "a"]"#)
    _ = try Signing.makeKeys(secret)
    try bench.folder().trust("ada", "\(secret).pub")
    _ = try Signing.sign(source, with: secret)
    let text = String(decoding: try Files.read("\(source)/plugin.json"), as: UTF8.self)
    try Files.replace("\(source)/plugin.json", with: Array(text.split(separator: "\n").joined().utf8))
    #expect(try bench.install(source, unsigned: false).signer == "ada")
  }

  @Test func unsignedPluginIsRefusedUnlessTheSettingAllowsIt() throws {
    let source = try bench.source()
    #expect(bench.refusal(source, unsigned: false)?.contains("'unsigned_plugins: allow'") == true)
    #expect(try bench.install(source).signer == nil)
  }

  @Test func statedSHA512IsCompared() throws {
    let source = try bench.source(files: ["a": "1"])
    let digest = Hex.text(try Digest(of: source).sha512)
    let stated = try bench.source(extra: #", "integrity": "\#(digest)""#, files: ["a": "1"])
    // A digest proves no origin.
    #expect(bench.refusal(stated, unsigned: false)?.contains("is not signed") == true)
    #expect(try bench.install(stated).signer == nil)
    let wrong = try bench.source("tables", "1.0.1", extra: #", "integrity": "\#(digest)""#, files: ["a": "1"])
    #expect(throws: PluginError.self) { try bench.install(wrong) }
  }

  @Test func keysAreKeptWithCare() throws {
    _ = try Signing.makeKeys(secret)
    #expect(try FileStatus(secret).mode & 0o777 == 0o600)
    #expect(throws: PluginError.self) { try Signing.makeKeys(secret) }
    Files.setMode(secret, 0o644)
    let error = #expect(throws: PluginError.self) { try Signing.sign(try bench.source(), with: secret) }
    #expect(error?.description.contains("can be read by others") == true)
    let folder = bench.folder()
    #expect(throws: PluginError.self) { try folder.trust("ada", "bm90IGEga2V5") }
    #expect(throws: PluginError.self) { try folder.trust("../ada", "\(secret).pub") }
    try folder.trust("ada", "\(secret).pub")
    _ = try Signing.makeKeys("\(secret)2")
    #expect(throws: PluginError.self) { try folder.trust("ada", "\(secret)2.pub") }
    #expect(try folder.trustedKeys().map(\.name) == ["ada"])
    // The one is never taken for the other.
    Files.setMode(secret, 0o600)
    #expect(throws: PluginError.self) { try folder.trust("eve", secret) }
    Files.setMode("\(secret).pub", 0o600)
    #expect(throws: PluginError.self) { try Signing.sign(try bench.source(), with: "\(secret).pub") }
    let missing = #expect(throws: PluginError.self) { try Signing.sign(try bench.source(), with: "\(secret)3") }
    #expect(missing?.kind == .notFound)
  }
}
