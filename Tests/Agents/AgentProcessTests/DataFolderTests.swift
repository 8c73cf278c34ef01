import Agent
import AgentProcess
import Glibc
import Linux
import Model
import ProcessTestKit
import Testing

/// Folders that agents may write to, in real sandboxes.
@Suite(.enabled(if: SandboxRoom.absence == nil, "\(SandboxRoom.absence ?? "")")) final class DataFolderTests {
  private let room: SandboxRoom

  init() throws {
    var limits = ProcessLimits()
    limits.start = .seconds(60)
    limits.sampling = .milliseconds(50)
    room = try SandboxRoom(limits: limits)
  }

  /// Runs a script until the agent ends by itself.
  private func run(_ script: String, id: AgentID = "subject", data: Int? = 1 << 20) throws -> (AgentFailure?, [String])
  {
    let ready = #"printf '{"method":"ready","params":{"abi":1}}\n' >&3; read -r event <&3"#
    var manifest = try room.program("\(id).sh", "#!/bin/sh\n\(ready)\n\(script)\n")
    manifest.id = id
    manifest.permissions.data = data
    let host = RecordingHost()
    var (isOver, failure): (Bool, AgentFailure?) = (false, nil)
    var instance: (any AgentInstance)?
    room.driver.start(
      manifest, host: host,
      ended: {
        failure = $0.failure
        isOver = true
      }
    ) { result in
      switch result {
      case .success(let made): instance = made
      case .failure(let why): (isOver, failure) = (true, why)
      }
    }
    room.run { isOver || instance != nil }
    let trace = ULID(high: 1, low: 1)
    instance?.activate(Event(id: trace, type: "test:event", trace: trace)) { _ in }
    room.run { isOver }
    room.settle()
    return (failure, host.lines)
  }

  @Test func whatIsWrittenIsThereTheNextTime() throws {
    let (_, first) = try run("echo $OPENSTARRY_DATA; ls -A /data; echo seven >/data/table; mkdir /data/more")
    #expect(first == ["/data"])
    let (failure, second) = try run("cat /data/table; ls -A /data")
    #expect(second == ["seven", "more", "table"] && failure?.reason == .completed)
    #expect(try FileStatus("\(room.data)/subject").mode & 0o777 == 0o700)
  }

  @Test func nobodyElseSeesIt() throws {
    _ = try run("echo secret >/data/table", id: "other")
    let (_, lines) = try run(
      """
      cat /data/table \(room.data)/other/table 2>&1; ls -A \(room.data) 2>&1
      echo x >\(room.folder)/x; echo x >/y; cp /bin/true /data/program && /data/program || echo not executed
      """)
    #expect(!lines.contains { $0.contains("secret") } && !lines.contains("other"), "\(lines)")
    #expect(lines.contains("not executed") && lines.count { $0.contains("Read-only file system") } == 2, "\(lines)")
  }

  @Test func withoutItNothingCanBeWritten() throws {
    let (_, lines) = try run("echo [$OPENSTARRY_DATA]; ls /data 2>&1; touch /data 2>&1", data: nil)
    #expect(lines.first == "[]" && lines.count { $0.contains("/data") } == 2, "\(lines)")
    #expect(!Files.exists("\(room.data)/subject"))
  }

  @Test func tooMuchEndsIt() throws {
    let (failure, _) = try run("dd if=/dev/zero of=/data/a bs=64k count=17 2>/dev/null; sleep 60")
    #expect(failure?.reason == .data)
    #expect(failure?.message == "its folder /data has 1.1 MiB (1114112 bytes) in it; permissions.data allows 1 MiB")
    // The next one may tidy up, but not add anything.
    let (worse, _) = try run("echo x >/data/b; sleep 60")
    #expect(worse?.reason == .data)
    let (next, _) = try run("sleep 0.3; rm /data/a; sleep 0.3")
    #expect(next?.reason == .completed, "\(next as Any)")
  }

  @Test(arguments: [
    "i=0; while [ $i -lt 4200 ]; do : >/data/$i; i=$((i + 1)); done",
    "cd /data; i=0; while [ $i -lt 20 ]; do mkdir d; cd d; i=$((i + 1)); done",
    "mkdir /data/closed; chmod 0 /data/closed",
    "mkdir /data/listed; : >/data/listed/x; chmod 400 /data/listed", ": >/data/x; chmod 400 /data",
  ]) func whatCannotBeCountedIsTooMuch(_ script: String) throws {
    let (failure, _) = try run("\(script); while :; do :; done", data: 1 << 30)
    #expect(failure?.reason == .data && failure?.message.contains("more files or folders") == true, "\(failure as Any)")
  }

  /// Sparse files and links to large files lead nowhere.
  @Test func linksDoNotCount() throws {
    let (failure, _) = try run(
      "ln -s /usr /data/usr; ln -s /dev/zero /data/zero; i=0; while [ $i -lt 99999 ]; do i=$((i + 1)); done")
    #expect(failure?.reason == .completed, "\(failure as Any)")
    let (sparse, _) = try run("dd if=/dev/zero of=/data/s bs=1 count=1 seek=9999999 2>/dev/null; sleep 60")
    #expect(sparse?.reason == .data, "\(sparse as Any)")
  }

  @Test func aFolderThatCannotBeMadeIsTold() throws {
    try Files.replace("\(room.data)/subject", with: [])
    _ = unsafe chmod("\(room.data)/subject", 0o600)
    let (failure, _) = try run("exit 0")
    #expect(failure?.reason == .startFailed, "\(failure as Any)")
    #expect(failure?.message == "its folder for data cannot be made: Not a directory", "\(failure as Any)")
    Files.remove("\(room.data)/subject")
    _ = unsafe chmod(room.data, 0o500)
    let (other, _) = try run("exit 0", id: "other")
    #expect(other?.message == "its folder for data cannot be made: Permission denied", "\(other as Any)")
  }
}
