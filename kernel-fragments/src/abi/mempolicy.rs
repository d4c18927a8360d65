//! Memory policies (include/uapi/linux/mempolicy.h): on which nodes memory is to lie. This machine has node 0 only, as Linux has on a
//! machine that tells of none, so that no memory ever lies elsewhere.

use crate::errno::Errno;

/// No policy.
pub const MPOL_DEFAULT: u32 = 0;
/// One node rather than others.
pub const MPOL_PREFERRED: u32 = 1;
/// Some nodes and no others.
pub const MPOL_BIND: u32 = 2;
/// Some nodes in turns.
pub const MPOL_INTERLEAVE: u32 = 3;
/// The node of the hart.
pub const MPOL_LOCAL: u32 = 4;
/// Some nodes rather than others.
pub const MPOL_PREFERRED_MANY: u32 = 5;
/// Some nodes in turns of different lengths.
pub const MPOL_WEIGHTED_INTERLEAVE: u32 = 6;

/// Added to a mode: pages may be moved to where they are used.
pub const MPOL_F_NUMA_BALANCING: u32 = 1 << 13;
/// Added to a mode: the nodes are counted among those that are allowed.
pub const MPOL_F_RELATIVE_NODES: u32 = 1 << 14;
/// Added to a mode: the nodes stay what they are.
pub const MPOL_F_STATIC_NODES: u32 = 1 << 15;
const MODE_FLAGS: u32 = MPOL_F_NUMA_BALANCING | MPOL_F_RELATIVE_NODES | MPOL_F_STATIC_NODES;
const FLAGS_SHIFT: u32 = 13;

/// mbind: pages that lie elsewhere make it fail.
pub const MPOL_MF_STRICT: u32 = 1;
/// mbind, move_pages: pages that lie elsewhere are moved.
pub const MPOL_MF_MOVE: u32 = 2;
/// The same of pages that others use, too.
pub const MPOL_MF_MOVE_ALL: u32 = 4;

/// How many nodes Linux is made for (CONFIG_NODES_SHIFT is 2 in Debian's riscv64 kernel).
pub const MOST_NODES: u32 = 4;
/// The nodes that there are.
pub const NODES: u8 = 1;

/// A policy as a thread has it, in 10 bits: the mode, three flags, four nodes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Policy(u16);

impl Policy {
    /// None.
    pub const DEFAULT: Policy = Policy(0);

    /// The policy of `mode`, with its flags, for `nodes` (mm/mempolicy.c: sanitize_mpol_flags, mpol_new, mpol_set_nodemask).
    ///
    /// # Errors
    /// EINVAL: no such mode, flags that do not belong to it, no node where it needs one, none of this machine.
    pub fn new(mode: Mode, nodes: u8) -> Result<Policy, Errno> {
        let Mode { mode, flags } = mode;
        let keeps_nodes = flags & (MPOL_F_STATIC_NODES | MPOL_F_RELATIVE_NODES) != 0;
        match (mode, nodes) {
            (MPOL_DEFAULT, 0) => Ok(Policy::DEFAULT),
            (MPOL_PREFERRED | MPOL_LOCAL, 0) if !keeps_nodes => Ok(Policy(MPOL_LOCAL as u16)),
            (MPOL_DEFAULT | MPOL_LOCAL, _) | (_, 0) => Err(Errno::EINVAL),
            // Counted among those that are allowed, every node is the one there is.
            _ if flags & MPOL_F_RELATIVE_NODES == 0 && nodes & NODES == 0 => Err(Errno::EINVAL),
            _ => {
                let nodes = if keeps_nodes { nodes } else { nodes & NODES };
                Ok(Policy((mode | flags >> FLAGS_SHIFT << 3) as u16 | u16::from(nodes) << 6))
            }
        }
    }

    /// As [`bits`](Self::bits) gave them.
    pub const fn of_bits(bits: u16) -> Policy {
        Policy(bits)
    }

    /// In 10 bits, 0 for none.
    pub const fn bits(self) -> u16 {
        self.0
    }

    /// Mode and flags, as `get_mempolicy` tells them.
    pub fn mode(self) -> u32 {
        u32::from(self.0) & 7 | (u32::from(self.0) >> 3 & 7) << FLAGS_SHIFT
    }

    /// Its nodes.
    pub fn nodes(self) -> u8 {
        (self.0 >> 6) as u8
    }

    /// Whether it takes nodes in turns.
    pub fn takes_turns(self) -> bool {
        matches!(u32::from(self.0) & 7, MPOL_INTERLEAVE | MPOL_WEIGHTED_INTERLEAVE)
    }
}

/// A mode, and flags that can be together with it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Mode {
    mode: u32,
    flags: u32,
}

impl Mode {
    /// As `set_mempolicy` and `mbind` take it; EINVAL.
    pub fn decode(word: u32) -> Result<Mode, Errno> {
        let (mode, flags) = (word & !MODE_FLAGS, word & MODE_FLAGS);
        let both = MPOL_F_STATIC_NODES | MPOL_F_RELATIVE_NODES;
        let can_balance = matches!(mode, MPOL_BIND | MPOL_PREFERRED_MANY);
        if mode > MPOL_WEIGHTED_INTERLEAVE || flags & both == both || flags & MPOL_F_NUMA_BALANCING != 0 && !can_balance
        {
            return Err(Errno::EINVAL);
        }
        Ok(Mode { mode, flags })
    }

    /// Whether it is [`MPOL_DEFAULT`].
    pub fn is_default(self) -> bool {
        self.mode == MPOL_DEFAULT
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_a_policy() {
        let new = |word, nodes| Mode::decode(word).and_then(|mode| Policy::new(mode, nodes));
        let told = |word, nodes| new(word, nodes).map(|policy| (policy.mode(), policy.nodes()));
        let (fixed, relative, balancing) = (MPOL_F_STATIC_NODES, MPOL_F_RELATIVE_NODES, MPOL_F_NUMA_BALANCING);
        for (word, nodes, expected) in [
            (MPOL_DEFAULT, 0, Ok((0, 0))),
            (MPOL_DEFAULT, 1, Err(Errno::EINVAL)),
            (MPOL_PREFERRED, 0, Ok((MPOL_LOCAL, 0))),
            (MPOL_PREFERRED | fixed, 0, Err(Errno::EINVAL)),
            (MPOL_PREFERRED, 3, Ok((MPOL_PREFERRED, 1))),
            (MPOL_BIND, 2, Err(Errno::EINVAL)),
            (MPOL_BIND | fixed, 2, Err(Errno::EINVAL)),
            (MPOL_BIND | relative, 2, Ok((MPOL_BIND | relative, 2))),
            (MPOL_BIND | fixed, 3, Ok((MPOL_BIND | fixed, 3))),
            (MPOL_BIND | fixed | relative, 1, Err(Errno::EINVAL)),
            (MPOL_BIND | balancing, 1, Ok((MPOL_BIND | balancing, 1))),
            (MPOL_INTERLEAVE | balancing, 1, Err(Errno::EINVAL)),
            (MPOL_LOCAL, 1, Err(Errno::EINVAL)),
            (MPOL_WEIGHTED_INTERLEAVE, 1, Ok((MPOL_WEIGHTED_INTERLEAVE, 1))),
            (7, 1, Err(Errno::EINVAL)),
        ] {
            assert_eq!(told(word, nodes), expected, "{word:x} {nodes}");
        }
        assert!(new(MPOL_BIND | fixed, 15).is_ok_and(|policy| Policy::of_bits(policy.bits() & 0x3ff) == policy));
    }
}
