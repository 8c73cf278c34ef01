import KernelTestKit
import Linux

// The hardware watchdog, or softdog: opened, fed, and disarmed before it resets the machine.
extension RingTests {
  static var watchdogs: [RingTest] {
    [
      RingTest("watchdog: it is set, fed, exclusive, and stopped by the magic close") { _ in
        let path = "/dev/watchdog"
        guard Files.exists(path) else { throw Skip("no \(path)") }
        // A watchdog that cannot be disarmed would reset the machine after the test.
        guard state("nowayout") == "0" else { throw Skip("\(path) cannot be stopped once it runs") }
        let dog: HardwareWatchdog
        do throws(SystemError) { dog = try HardwareWatchdog(path, timeout: 12) } catch {
          throw Skip("\(error)")
        }
        try expect(dog.timeout, is: 12, "the time it waits")
        try expect(state("state"), is: "active", "its state")
        dog.feed()
        do throws(SystemError) {
          _ = try HardwareWatchdog(path, timeout: 12)
          throw SystemError("open", path, errno: 0)
        } catch {
          try expect(error.errno, is: 16, "a second one is busy (EBUSY)")
        }
        dog.stop()
      },
      RingTest("watchdog: after the magic close it is off") { _ in
        guard let state = state("state"), self.state("nowayout") == "0" else { throw Skip("no watchdog to ask") }
        // Another program may have its own watchdog running.
        guard state != "active" else { throw Skip("somebody else feeds it") }
        try expect(state, is: "inactive", "its state")
      },
    ]
  }

  private static func state(_ name: String) -> String? {
    guard let bytes = try? Files.read("/sys/class/watchdog/watchdog0/\(name)") else { return nil }
    return String(decoding: bytes.prefix { $0 != 10 }, as: UTF8.self)
  }
}
