# SPDX-License-Identifier: Apache-2.0
"""What the functional tests drive the real programs with. Standard library only."""
