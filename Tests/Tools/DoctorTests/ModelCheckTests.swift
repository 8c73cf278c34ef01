import Doctor
import Model
import Testing

@Suite struct ModelCheckTests {
  private func findings(_ files: [String: String], _ models: [Value]) throws -> [Finding] {
    var patient = try Patient(files)
    patient.facts.daemon = .success(Patient.answers(models: models))
    return patient.findings.filter { $0.area == .models }
  }

  private static let units = [
    "usr/lib/systemd/system/openstarry-model.socket": "", "run/systemd/system/x": "", "run/openstarry-model/socket": "",
  ]

  @Test func aBoardWithoutModelsNeedsNothing() throws {
    #expect(try findings([:], []).isEmpty)
  }

  @Test func modelsThatDoNotAnswerAreNamed() throws {
    let found = try findings(
      [:],
      [
        ["model": "local", "calls": 3, "last_failure": .null], ["model": "new", "calls": 0],
        ["model": "cloud", "calls": 1, "last_failure": "the key is not accepted"],
      ])
    #expect(found.map(\.level) == [.ok, .ok, .problem])
    #expect(found.last?.text == "model cloud did not answer: the key is not accepted")
  }

  @Test func aFullDiskIsSaid() throws {
    var patient = try Patient([:])
    var answers = Patient.answers(models: [["model": "local", "calls": 0]])
    answers.modelsNotStored = "the disk is full"
    patient.facts.daemon = .success(answers)
    let found = patient.findings.filter { $0.area == .models }
    #expect(found.map(\.level) == [.problem, .ok])
    #expect(found.first?.text == "no model can be asked: the disk is full")
  }

  @Test func theProgramAndItsLibraryAreLookedFor() throws {
    let models: [Value] = [["model": "local", "calls": 0]]
    #expect(try findings(Self.units, models).first?.text.contains("libcurl is not installed") == true)
    let library = ["usr/lib/x86_64-linux-gnu/libcurl-gnutls.so.4": ""]
    #expect(try findings(Self.units.merging(library) { $1 }, models).map(\.level) == [.ok])
    var stopped = Self.units.merging(library) { $1 }
    stopped["run/openstarry-model/socket"] = nil
    #expect(try findings(stopped, models).first?.text.contains("openstarry-model.socket is not active") == true)
  }
}
