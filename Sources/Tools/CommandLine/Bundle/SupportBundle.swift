import Doctor
import Document
import Glibc
import Linux
import Model

/// An archive for those who help from afar: the doctor's page, the daemon's state, its files and its journal, without
/// secrets.
struct SupportBundle {
  private var archive: TarArchive
  private static let folder = "openstarry-doctor"
  /// The longest journal, in bytes; its beginning is left out.
  private static let longestJournal = 1 << 20

  /// Gathers what there is.
  /// - Parameter settings: the daemon's settings file; nil when there is none.
  init(_ findings: [Finding], _ facts: Facts, settings: String?) {
    archive = TarArchive(time: System.wallMilliseconds() / 1000)
    add("doctor.txt", DoctorText.lines(findings, colour: false).joined(separator: "\n") + "\n")
    add("doctor.json", DoctorText.document(findings))
    if let answers = try? facts.daemon.get() {
      add("status.json", answers.status)
      add("devices.json", .list(answers.devices))
      add("agents.json", .list(answers.agents))
      add("history.json", .list(answers.history))
      if let probes = try? answers.probes.get() { add("probes.json", probes) }
    }
    if let settings, let check = try? ConfigCheck([settings], environment: [:]) {
      for file in check.files {
        guard let bytes = try? Files.read(file, limit: 1 << 20) else { continue }
        add("config/\(Self.plain(file))", String(decoding: bytes, as: UTF8.self))
      }
    }
    let journal = ProgramOutput.of(
      "/usr/bin/journalctl",
      [
        "-u", "openstarryd", "-u", "openstarry-launcher", "-u", "openstarry-proxy", "-u", "openstarry-model", "-n",
        "2000", "--no-pager", "-o", "short-iso",
      ],
      most: Self.longestJournal)
    if let journal { add("journal.txt", journal) }
  }

  /// Writes the archive into a new file that only its owner may read.
  /// - Throws: when there is such a file, or it cannot be written.
  func write(_ path: String) throws(Failure) {
    do throws(SystemError) {
      let file = try System.open(path, O_WRONLY | O_CREAT | O_EXCL, mode: 0o600)
      try System.writeAll(file.number, archive.finished)
    } catch {
      throw Failure(.failed, "\(path) cannot be written: \(SystemError.text(error.errno))")
    }
  }

  private mutating func add(_ name: String, _ value: Value) {
    add(name, bytes: Array((JSON.text(Redaction.value(value)) + "\n").utf8))
  }

  private mutating func add(_ name: String, _ text: String) { add(name, bytes: Array(Redaction.text(text).utf8)) }

  private mutating func add(_ name: String, bytes: [UInt8]) { archive.add("\(Self.folder)/\(name)", bytes) }

  /// A path that leads nowhere else when the archive is unpacked.
  private static func plain(_ path: String) -> String {
    Files.parts(of: path).filter { $0 != "." && $0 != ".." }.joined(separator: "/")
  }
}
