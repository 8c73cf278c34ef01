import Guardian
import Wire

/// One end of a connection between daemon and guardian.
typealias GuardianSocket = PacketSocket<GuardianMessage>
