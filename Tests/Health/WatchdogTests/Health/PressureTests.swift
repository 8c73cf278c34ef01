import Model
import TestKit
import Testing
import Watchdog

/// The kernel's pressure files.
@Suite struct PressureTests {
  @Test func theKernelsFilesAreParsed() throws {
    let memory = try #require(
      Pressure(
        """
        some avg10=12.50 avg60=3.00 avg300=0.50 total=1500000
        full avg10=1.00 avg60=0.00 avg300=0.00 total=20

        """))
    #expect(memory.some == Pressure.Share(average: 12.5, total: .milliseconds(1500)))
    #expect(memory.full?.total == .microseconds(20))
    // Before Linux 5.13 the file of the CPU had one line.
    #expect(Pressure("some avg10=0.00 avg60=0.00 avg300=0.00 total=0\n")?.full == nil)
  }

  @Test(arguments: [
    "", "full avg10=0.00 avg60=0.00 avg300=0.00 total=0", "some avg10=x total=0", "some avg10=1.0", "some total=1",
    "some avg10=nan total=0", "some avg10=101 total=0", "some avg10=1 total=-1", "\u{0}", "some",
  ])
  func otherTextIsNotParsed(_ text: String) { #expect(Pressure(text) == nil) }

  @Test(arguments: 0..<200) func damageNeverTraps(_ seed: Int) {
    var random = SeededGenerator(UInt64(seed))
    var bytes = Array("some avg10=12.50 avg60=3.00 avg300=0.50 total=1500000\nfull avg10=1.00 total=2\n".utf8)
    for _ in 0...random.next() % 4 {
      bytes[Int(random.next() % UInt64(bytes.count))] = UInt8(truncatingIfNeeded: random.next())
    }
    if let read = Pressure(String(decoding: bytes, as: UTF8.self)) { #expect((0...100).contains(read.some.average)) }
  }
}

/// The table: inputs to effects.
@Suite struct PressureTableTests {
  private func at(_ seconds: Double) -> Instant { Instant(nanoseconds: UInt64(seconds * 1e9)) }

  private let zoo = [
    PressureTable.Candidate("guard", .critical), PressureTable.Candidate("climate", .high),
    PressureTable.Candidate("logger", .background), PressureTable.Candidate("mailer", .background),
    PressureTable.Candidate("radio", .low),
  ]

  @Test func theLeastImportantIsStoppedFirstAndReturnsLast() {
    var table = PressureTable()
    #expect(
      table.apply(.fired(.memory, 5), at: at(0)) { zoo }
        == [.tell(.memory, isShort: true, average: 5), .shed("mailer")])
    #expect(table.apply(.fired(.memory, 5), at: at(2)) { zoo } == [], "the first one's end is to show first")
    #expect(table.apply(.reading(.memory, 40), at: at(6)) { zoo } == [.shed("logger")])
    #expect(table.apply(.reading(.memory, 40), at: at(12)) { zoo } == [.shed("radio")])
    #expect(table.apply(.reading(.memory, 40), at: at(18)) { zoo } == [.shed("climate")])
    #expect(table.apply(.reading(.memory, 40), at: at(24)) { zoo } == [], "the critical one is never stopped")
    #expect(table.shed == ["mailer", "logger", "radio", "climate"])

    #expect(table.apply(.reading(.memory, 3), at: at(30)) { [] } == [])
    #expect(table.apply(.reading(.memory, 5), at: at(40)) { [] } == [], "between the two bounds it is not quiet")
    #expect(table.apply(.reading(.memory, 3), at: at(42)) { [] } == [])
    #expect(table.apply(.reading(.memory, 3), at: at(61)) { [] } == [])
    #expect(
      table.apply(.reading(.memory, 2), at: at(62)) { [] }
        == [.tell(.memory, isShort: false, average: 2), .restore("climate")])
    #expect(table.apply(.reading(.memory, 2), at: at(64)) { [] } == [])
    #expect(table.apply(.reading(.memory, 2), at: at(72)) { [] } == [.restore("radio")])
    #expect(table.apply(.reading(.memory, 2), at: at(82)) { [] } == [.restore("logger")])
    #expect(table.nextLook == .seconds(2))
    #expect(table.apply(.reading(.memory, 2), at: at(92)) { [] } == [.restore("mailer")])
    #expect(table.nextLook == nil, "at rest it looks nowhere")
  }

  @Test func anUnconfirmedTriggerIsCheckedSoon() {
    var table = PressureTable()
    #expect(table.apply(.fired(.memory, 0.2), at: at(0)) { zoo } == [])
    #expect(table.nextLook == .seconds(2) && !table.isShort(.memory))
    #expect(table.apply(.reading(.memory, 0.2), at: at(2)) { zoo } == [])
    #expect(table.nextLook == nil)
    // A trigger may also fire for an earlier stall.
    _ = table.apply(.fired(.memory, 0.2), at: at(10)) { zoo }
    #expect(table.apply(.reading(.memory, 3), at: at(12)) { zoo }.contains(.shed("mailer")))
  }

  @Test func aShortCPUThrottlesUntilItIsQuiet() {
    var table = PressureTable()
    #expect(
      table.apply(.reading(.cpu, 70), at: at(0)) { zoo }
        == [.tell(.cpu, isShort: true, average: 70), .throttle(true)])
    #expect(table.apply(.reading(.cpu, 70), at: at(2)) { zoo } == [.letOneThrough])
    #expect(table.apply(.reading(.cpu, 10), at: at(4)) { zoo } == [.letOneThrough])
    #expect(
      table.apply(.reading(.cpu, 10), at: at(24)) { zoo }
        == [.tell(.cpu, isShort: false, average: 10), .throttle(false)])
    #expect(table.shed.isEmpty)
  }

  @Test func memoryOverTheBoardsBudgetStopsAgentsUntilTwentySecondsAfter() {
    var table = PressureTable()
    #expect(table.apply(.budget(.memory, 1), at: at(0)) { zoo } == [], "all of it is not too much")
    #expect(table.apply(.budget(.memory, 1.1), at: at(10)) { zoo } == [.shed("mailer")])
    #expect(table.nextLook == .seconds(10) && table.isOverBudget(.memory))
    #expect(table.apply(.budget(.memory, 1.1), at: at(12)) { zoo } == [], "its end is to show first")
    #expect(table.apply(.budget(.memory, 1.1), at: at(20)) { zoo } == [.shed("logger")])
    #expect(table.apply(.budget(.memory, 0.9), at: at(30)) { zoo } == [])
    #expect(table.apply(.budget(.memory, 0.9), at: at(100)) { zoo } == [], "one more would not fit")
    // Memory is also short: both conditions must end.
    #expect(
      table.apply(.reading(.memory, 50), at: at(110)) { zoo }
        == [.tell(.memory, isShort: true, average: 50), .shed("radio")])
    #expect(table.apply(.budget(.memory, 0.5), at: at(140)) { zoo } == [])
    #expect(table.apply(.reading(.memory, 0), at: at(141)) { zoo } == [])
    #expect(
      table.apply(.reading(.memory, 0), at: at(161)) { zoo }
        == [.tell(.memory, isShort: false, average: 0), .restore("radio")])
    #expect(table.apply(.budget(.memory, 0.5), at: at(171)) { zoo } == [.restore("logger")])
    #expect(table.apply(.budget(.memory, 1.5), at: at(172)) { zoo } == [.shed("logger")])
    #expect(table.apply(.budget(.memory, 0.5), at: at(182)) { zoo } == [], "not to and fro")
    #expect(table.apply(.budget(.memory, 0.5), at: at(192)) { zoo } == [.restore("logger")])
    #expect(table.apply(.budget(.memory, 0.5), at: at(202)) { zoo } == [.restore("mailer")])
    #expect(table.nextLook == nil)
  }

  @Test func cpuTimeOverTheBoardsBudgetThrottlesBackgroundAgents() {
    var table = PressureTable()
    #expect(table.apply(.budget(.cpu, 1.2), at: at(0)) { zoo } == [.throttle(true)])
    #expect(table.apply(.budget(.cpu, 0.9), at: at(10)) { zoo } == [.letOneThrough])
    #expect(table.apply(.reading(.cpu, 70), at: at(11)) { zoo } == [.tell(.cpu, isShort: true, average: 70)])
    #expect(table.apply(.budget(.cpu, 0.5), at: at(20)) { zoo } == [], "it is still short")
    #expect(table.apply(.reading(.cpu, 0), at: at(21)) { zoo } == [.letOneThrough])
    #expect(
      table.apply(.reading(.cpu, 0), at: at(41)) { zoo }
        == [.tell(.cpu, isShort: false, average: 0), .throttle(false)])
    #expect(table.shed.isEmpty && table.nextLook == nil)
  }

  @Test func aSlowDiskIsOnlyReported() {
    var table = PressureTable()
    #expect(table.apply(.reading(.io, 90), at: at(0)) { zoo } == [.tell(.io, isShort: true, average: 90)])
    #expect(table.apply(.reading(.io, 0), at: at(1)) { zoo } == [])
    #expect(table.apply(.reading(.io, 0), at: at(21)) { zoo } == [.tell(.io, isShort: false, average: 0)])
  }

  /// For random inputs: no agent is stopped twice, returns without having been stopped, or is stopped while a less
  /// important one runs; important agents are never stopped; after a long quiet time all are back.
  @Test(arguments: 0..<300) func effectsAreConsistentForRandomInputs(_ seed: Int) {
    var random = SeededGenerator(UInt64(seed))
    var table = PressureTable()
    var running = Set(zoo)
    var throttled = false
    var now = 0.0
    func step(_ input: PressureTable.Input) {
      for effect in table.apply(input, at: at(now), running: { Array(running) }) {
        switch effect {
        case .shed(let agent):
          guard let gone = running.first(where: { $0.agent == agent }) else {
            Issue.record("\(agent) was stopped twice")
            continue
          }
          #expect(gone.priority > .critical && running.allSatisfy { $0.priority <= gone.priority })
          running.remove(gone)
        case .restore(let agent):
          guard let back = zoo.first(where: { $0.agent == agent }) else { return }
          let isNew = running.insert(back).inserted
          #expect(!table.isShort(.memory) && isNew)
        case .throttle(let isOn):
          #expect(isOn != throttled)
          throttled = isOn
        case .letOneThrough: #expect(throttled)
        case .tell: break
        }
      }
      #expect(Set(table.shed) == Set(zoo).subtracting(running).reduce(into: []) { $0.insert($1.agent) })
    }
    for _ in 0..<300 {
      now += Double(random.next() % 8)
      let resource = Pressure.Resource.allCases[Int(random.next() % 3)]
      let average = Double(random.next() % 101)
      let isOfPressure = random.next() % 3 > 0
      let input: PressureTable.Input = isOfPressure ? .reading(resource, average) : .budget(resource, average / 60)
      step(random.next() % 4 == 0 ? .fired(resource, average) : input)
    }
    while table.nextLook != nil, now < 10_000 {
      now += 2
      for resource in Pressure.Resource.allCases {
        step(.reading(resource, 0))
        step(.budget(resource, 0.5))
      }
    }
    #expect(running.count == zoo.count && !throttled && table.nextLook == nil)
  }
}
