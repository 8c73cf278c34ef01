import Glibc
import LanguageModel
import LanguageModelClient
import Linux
import ModelServerKit
import OpenStarryAgent
import TestKit
import Testing

/// Keys, and whom they are shown to; TLS.
@Suite(.enabled(if: ModelServer.absence == nil, "there is no /usr/bin/python3")) struct KeyTests {
  private static let hello = ModelServer.stream([ModelServer.chunk("Hello"), ModelServer.finish(), "[DONE]"])
  private static let secret = "sk-very-secret-0123456789"

  @Test func aKeyIsReadFromAFileForEachCall() throws {
    let server = try ModelServer()
    let room = try Room()
    let url = try server.url("key", [Self.hello])
    let path = try room.keyFile("key", " \(Self.secret)\n")
    #expect(room.ask(url, key: path).text == "Hello")
    _ = try room.keyFile("key", "sk-new")
    #expect(room.ask(url, key: path).text == "Hello")
    #expect(
      server.log("key").map { $0.fields["fields"]?["authorization"]?.string } == [
        "Bearer \(Self.secret)", "Bearer sk-new",
      ])
  }

  /// systemd makes a credential NAME_FILE of each file in a folder (systemd.exec(5), LoadCredential=).
  @Test func aKeyIsACredentialOfTheUnit() throws {
    let server = try ModelServer()
    let url = try server.url("key", [Self.hello])
    let folder = try TemporaryFolder()
    _ = unsafe chmod(folder.path, 0o755)
    try folder.write("keys_cloud", "sk-cloud")
    _ = unsafe chmod("\(folder.path)/keys_cloud", 0o444)
    let room = try Room(setup: "export CREDENTIALS_DIRECTORY=\(folder.path)")
    #expect(room.ask(url, key: "cloud").text == "Hello")
    #expect(server.log("key").first?.fields["fields"]?["authorization"] == "Bearer sk-cloud")
    for name in ["other", "../keys_cloud", "/etc/hostname", "..", "a/b"] {
      let failure = try #require(room.ask(url, key: name).failure)
      #expect(failure.kind == .noKey && !failure.wasSent)
      #expect(failure.sentence.contains("/etc/openstarry/keys"), "\(failure)")
    }
    #expect(server.log("key").count == 1)
  }

  @Test func aKeyThatOthersMayReadIsNotUsed() throws {
    let server = try ModelServer()
    let room = try Room()
    let url = try server.url("key", [Self.hello])
    func refusal(_ key: String) throws -> String {
      let failure = try #require(room.ask(url, key: key).failure)
      #expect(failure.kind == .noKey && !failure.wasSent)
      #expect(!failure.sentence.contains(Self.secret))
      return failure.sentence
    }
    #expect(try refusal(room.keyFile("open", Self.secret, mode: 0o640)).contains("others may read (chmod 600)"))
    #expect(try refusal(room.keyFile("empty", " \n")).contains("is empty"))
    #expect(try refusal(room.keyFile("two", "\(Self.secret)\r\nX-Field: y")).contains("more in it than one key"))
    #expect(try refusal(room.keyFile("long", String(repeating: "k", count: 5000))).contains("longer than 4096"))
    #expect(try refusal("\(room.path)/nothing").contains("No such file"))
    #expect(try refusal(room.path).contains("not a regular file"))
    #expect(try refusal("cloud").contains("absolute path"))
    let real = try room.keyFile("real", Self.secret)
    _ = unsafe symlink(real, "\(room.path)/link")
    _ = try refusal("\(room.path)/link")
    if geteuid() == 0 {
      let foreign = try room.keyFile("foreign", Self.secret)
      _ = unsafe chown(foreign, 0, 0)
      _ = try refusal(foreign)
    }
    #expect(server.log("key").isEmpty)
  }

  /// 192.0.2.1 is an address of documentation (RFC 5737). It is not even connected to.
  @Test func aKeyGoesUnencryptedOnlyToThisMachine() throws {
    let room = try Room()
    let key = try room.keyFile("key", Self.secret)
    for host in ["192.0.2.1", "model.example", "127.0.0.1.example", "[2001:db8::1]"] {
      let failure = try #require(room.ask("http://\(host)/v1/chat/completions", key: key).failure)
      #expect(failure.kind == .noKey && !failure.wasSent)
      #expect(failure.sentence.contains("unencrypted; use https"), "\(failure)")
    }
  }

  /// Not in arguments, environment or messages, though the server repeats it.
  @Test func nobodyIsShownTheKey() throws {
    let server = try ModelServer()
    let room = try Room()
    let key = try room.keyFile("key", Self.secret)
    let echo = #"{"error":{"message":"Incorrect API key provided: \#(Self.secret). Try another."}}"#
    let failure = try #require(
      room.ask(try server.url("echo", [ModelServer.response("401 Unauthorized", echo)]), key: key).failure)
    #expect(failure.sentence.contains("Incorrect API key provided: [key]. Try another."), "\(failure)")
    let call = room.begin(try server.url("key", [ModelServer.streamHead, .pause(600)]), key: key)
    room.loop.run { !server.log("key").isEmpty }
    let process = try #require(room.link.process)
    for file in ["cmdline", "environ"] {
      let bytes = (try? Files.read("/proc/\(process)/\(file)")) ?? []
      #expect(!String(decoding: bytes, as: UTF8.self).contains(Self.secret))
    }
    // prctl(2), PR_SET_DUMPABLE: the files of such a process belong to root.
    var status = stat()
    #expect(unsafe stat("/proc/\(process)/environ", &status) == 0 && status.st_uid == 0)
    let own = String(decoding: try Files.read("/proc/\(process)/status"), as: UTF8.self)
    #expect(!own.contains("Uid:\t0\t"), "it has given up root's rights")
    let limits = String(decoding: try Files.read("/proc/\(process)/limits"), as: UTF8.self)
    let core = limits.split(separator: "\n").first { $0.hasPrefix("Max core file size") }
    #expect(core?.split(separator: " ").suffix(3) == ["0", "0", "bytes"])
    room.link.cancel(call.id)
  }

  private static let openSSL = "/usr/bin/openssl"

  /// A certificate that nobody has signed but itself, for 127.0.0.1.
  private func certificate(_ folder: TemporaryFolder) throws -> (String, String) {
    _ = unsafe chmod(folder.path, 0o755)
    let files = ("\(folder.path)/certificate", "\(folder.path)/key")
    var plan = SpawnPlan(
      Self.openSSL,
      [
        "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
        "-subj", "/CN=test", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", files.1, "-out", files.0,
      ])
    plan.errors = .null
    try #require(try Spawn.wait(for: try Spawn.start(plan)) == 0)
    _ = unsafe chmod(files.0, 0o644)
    return files
  }

  @Test(.enabled(if: Files.isFile(openSSL), "there is no /usr/bin/openssl"))
  func aServerHasToProveWhoItIs() throws {
    let folder = try TemporaryFolder()
    let files = try certificate(folder)
    let server = try ModelServer(certificate: files)
    let url = try server.url("secure", [Self.hello], secure: true)
    let room = try Room()
    let key = try room.keyFile("key", Self.secret)
    let failure = try #require(room.ask(url, key: key).failure)
    #expect(failure.kind == .tls && !failure.wasSent && failure.status == 0, "\(failure)")
    #expect(failure.sentence.contains("no TLS that can be trusted"))
    #expect(server.log("secure").isEmpty)
    // Whoever runs an authority of their own says so.
    let trusting = try Room(setup: "export SSL_CERT_FILE=\(files.0)")
    #expect(trusting.ask(url, key: try trusting.keyFile("key", Self.secret)).text == "Hello")
    #expect(server.log("secure").first?.fields["fields"]?["authorization"] == .string("Bearer \(Self.secret)"))
    // Its name has to be right, too.
    let other = try #require(
      trusting.ask("https://localhost:\(server.port("tls"))/secure/v1/chat/completions").failure)
    #expect(other.kind == .tls && !other.wasSent, "\(other)")
  }
}
